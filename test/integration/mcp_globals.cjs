// Debian 12's node 18 has no global crypto, which the official SDK's HTTP server takes for granted.
globalThis.crypto ??= require("node:crypto").webcrypto;

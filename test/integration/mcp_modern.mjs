// A server of MCP revision 2026-07-28 on the official SDK, over standard input and output, or with
// the argument "http" on a free port of loopback, which is its first line.
import { createServer } from 'node:http';
import { McpServer, createMcpHandler } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod';

function makeServer() {
  const server = new McpServer({ name: 'modern', version: '1.0.0' });
  const readOnly = { readOnlyHint: true };
  server.registerTool('add', {
    description: 'Adds two numbers',
    inputSchema: z.object({ a: z.number(), b: z.number() }),
    outputSchema: z.object({ sum: z.number() }),
    annotations: readOnly,
  }, async ({ a, b }) => {
    const structuredContent = { sum: a + b };
    return { content: [{ type: 'text', text: JSON.stringify(structuredContent, null, 2) }], structuredContent };
  });
  server.registerTool('fail', { description: 'Throws', inputSchema: z.object({}), annotations: readOnly },
    async () => { throw new Error('it is broken'); });
  server.registerTool('write', { description: 'Changes something', inputSchema: z.object({}) },
    async () => ({ content: [{ type: 'text', text: 'written' }] }));
  return server;
}

if (process.argv[2] === 'http') {
  const handler = createMcpHandler(makeServer);
  const http = createServer(async (req, res) => {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const headers = new Headers();
    for (const [name, value] of Object.entries(req.headers)) headers.set(name, String(value));
    const body = chunks.length ? Buffer.concat(chunks) : undefined;
    const request = new Request(`http://127.0.0.1${req.url}`, { method: req.method, headers, body });
    const response = await handler.fetch(request);
    res.writeHead(response.status, Object.fromEntries(response.headers));
    for await (const chunk of response.body ?? []) res.write(chunk);
    res.end();
  });
  http.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${http.address().port}`));
  process.stdin.on('end', () => process.exit(0)).resume();
} else {
  serveStdio(makeServer);
}

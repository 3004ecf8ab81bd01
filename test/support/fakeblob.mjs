// An object store and a web server for tests, in one process, independent of the code under test: it checks AWS
// Signature Version 4 by the rules of its specification, lists by pages of two names, answers ranges, and goes wrong
// in the way that the bucket's name says.
//
//   node fakeblob.mjs NAME=FOLDER...        prints "PORT <n>"; the first part of a key is one of the NAMEs
//
// Buckets (http://host/BUCKET/NAME/...): private (a signature is needed), token (and a session token), public (no
// signature), and, signed or not: flaky (the first answer to each request is 503), cut (... is cut off), busy (always
// 503), denied (403), whole (no ranges), liar (another range than asked for), changing (another ETag each time, If-Match
// is ignored), changed (If-Match never holds but the first time), stuck (ranges that are no tails are never answered),
// elsewhere and elsewhere2 (in eu-central-1), dtd (listings with a document type), endless (listings that never end),
// slow (each answer after 300 ms).
// Web: /web/NAME/... (files only), /index/NAME/... (folders are shown as pages), /moved/NAME/... (redirects to /web),
// /loop/... (redirects to itself), /weak/NAME/... (weak ETags), /plain/NAME/... (no ranges, no ETags),
// /closed/... (403 for what is not there).
// Control: GET /_stats, GET /_reset.

import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

const KEY = 'AKIDTESTTESTTEST';
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const TOKEN = 'FwoGZXIvYXdzEXAMPLETOKEN//+==';
const PAGE = 2;

const roots = new Map(process.argv.slice(2).map((a) => [a.slice(0, a.indexOf('=')), a.slice(a.indexOf('=') + 1)]));
const seen = new Set();
let stats = { requests: 0, bytes: 0, heads: 0, lists: 0, ranges: 0, auth: 0 };
let counter = 0;

const hmac = (key, text) => crypto.createHmac('sha256', key).update(text, 'utf8').digest();
const sha = (text) => crypto.createHash('sha256').update(text).digest('hex');
const encode = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());

// "Create a signed AWS API request", docs.aws.amazon.com; S3 encodes a path once.
function checkSignature(req, region) {
  const given = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/
    .exec(req.headers.authorization || '');
  if (!given) return 'AccessDenied';
  const [, key, day, scope, names, signature] = given;
  if (key !== KEY) return 'InvalidAccessKeyId';
  if (scope !== region) return 'AuthorizationHeaderMalformed';
  const stamp = req.headers['x-amz-date'];
  if (!stamp || !stamp.startsWith(day) || Math.abs(Date.parse(stamp.replace(
    /^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z')) - Date.now()) > 900e3) return 'RequestTimeTooSkewed';
  const hash = req.headers['x-amz-content-sha256'];
  if (!hash || (hash !== sha('') && hash !== 'UNSIGNED-PAYLOAD')) return 'MissingSecurityHeader';
  const signed = names.split(';');
  const needed = ['host', ...Object.keys(req.headers).filter((n) => n.startsWith('x-amz-'))];
  if (needed.some((n) => !signed.includes(n)) || signed.some((n) => !(n in req.headers))) return 'AccessDenied';
  const [rawPath, rawQuery = ''] = req.url.split('?');
  const query = rawQuery === '' ? [] : rawQuery.split('&').map((p) => {
    const at = p.indexOf('=');
    return [decodeURIComponent(at < 0 ? p : p.slice(0, at)), at < 0 ? '' : decodeURIComponent(p.slice(at + 1))];
  });
  query.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  const canonical = [
    req.method,
    rawPath.split('/').map((p) => encode(decodeURIComponent(p))).join('/'),
    query.map(([n, v]) => `${encode(n)}=${encode(v)}`).join('&'),
    ...[...signed].sort().map((n) => `${n}:${req.headers[n].trim().replace(/ +/g, ' ')}`), '',
    signed.join(';'), hash].join('\n');
  const chain = hmac(hmac(hmac(hmac('AWS4' + SECRET, day), region), 's3'), 'aws4_request');
  const own = hmac(chain, ['AWS4-HMAC-SHA256', stamp, `${day}/${region}/s3/aws4_request`, sha(canonical)].join('\n'));
  stats.auth++;
  return own.toString('hex') === signature ? '' : 'SignatureDoesNotMatch';
}

function send(res, status, headers, body, head) {
  stats.bytes += head ? 0 : body.length;
  res.writeHead(status, { 'Content-Length': body.length, ...headers });
  res.end(head ? undefined : body);
}

function fail(req, res, status, code, more = {}, inside = '') {
  send(res, status, { 'Content-Type': 'application/xml', ...more }, Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>refused by the test &amp; its server` +
    `</Message>${inside}<AWSAccessKeyId>${KEY}</AWSAccessKeyId></Error>`), req.method === 'HEAD');
}

function locate(key) {
  const [name, ...rest] = key.split('/');
  if (!roots.has(name) || rest.includes('..')) return null;
  return path.join(roots.get(name), ...rest);
}

// All keys below, as an object store has them: files only.
function keysBelow(prefix) {
  const keys = [];
  const walk = (folder, key) => {
    for (const e of fs.readdirSync(folder, { withFileTypes: true })) {
      const k = key === '' ? e.name : `${key}/${e.name}`;
      if (e.isDirectory()) {
        if (prefix.startsWith(k + '/') || (k + '/').startsWith(prefix)) walk(path.join(folder, e.name), k);
      } else if (k.startsWith(prefix)) keys.push(k);
    }
  };
  for (const [name, folder] of roots)
    if (prefix === '' || prefix.startsWith(name) || name.startsWith(prefix)) walk(folder, name);
  return keys.sort();
}

const escape = (t) => t.replace(/&/g, '&amp;').replace(/</g, '&lt;');

function listBucket(req, res, bucket, query) {
  stats.lists++;
  if (query.get('list-type') !== '2') return fail(req, res, 400, 'InvalidArgument');
  const prefix = query.get('prefix') || '';
  const delimiter = query.get('delimiter');
  const entries = new Set();
  for (const key of keysBelow(prefix)) {
    const at = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
    entries.add(at < 0 ? key : key.slice(0, at + 1));
  }
  const all = [...entries].sort();
  const token = query.get('continuation-token');
  const start = token ? Number(Buffer.from(token, 'base64').toString().slice(4)) : 0;
  const page = all.slice(start, start + PAGE);
  const more = bucket === 'endless' ? 0 : start + PAGE < all.length ? start + PAGE : -1;
  const dtd = bucket === 'dtd' ? '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>' : '';
  send(res, 200, { 'Content-Type': 'application/xml' }, Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n${dtd}<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
    `<Name>${bucket}</Name><Prefix>${escape(prefix)}</Prefix><IsTruncated>${more >= 0}</IsTruncated>` +
    (more >= 0 ? `<NextContinuationToken>${Buffer.from(`at +${more}`).toString('base64')}</NextContinuationToken>` : '') +
    page.map((k) => (k.endsWith('/') ? `<CommonPrefixes><Prefix>${escape(k)}</Prefix></CommonPrefixes>`
      : `<Contents><Key>${escape(k)}</Key><Size>1</Size></Contents>`)).join('') +
    '</ListBucketResult>'));
}

function range(header, size) {
  const m = /^bytes=(\d*)-(\d*)$/.exec(header || '');
  if (!m || (m[1] === '' && m[2] === '')) return null;
  if (m[1] === '') return [Math.max(0, size - Number(m[2])), size - 1];
  return [Number(m[1]), m[2] === '' ? size - 1 : Math.min(size - 1, Number(m[2]))];
}

// Files by their last change: hashing a large one for each of its parts would take longer than sending it.
const loaded = new Map();
function load(file) {
  const changed = fs.statSync(file).mtimeMs;
  if (loaded.get(file)?.changed !== changed) {
    const bytes = fs.readFileSync(file);
    loaded.set(file, { changed, bytes, md5: crypto.createHash('md5').update(bytes).digest('hex') });
  }
  return loaded.get(file);
}

function sendFile(req, res, kind, file) {
  const { bytes, md5 } = load(file);
  const head = req.method === 'HEAD';
  let etag = `"${md5}"`;
  if (kind === 'changing') etag = `"${++counter}"`;
  if (kind === 'weak') etag = 'W/' + etag;
  const headers = { 'Content-Type': 'application/octet-stream', ...(kind === 'plain' ? {} : { ETag: etag }) };
  const wanted = req.headers['if-match'];
  if (wanted && kind !== 'changing' && (wanted !== etag || kind === 'changed'))
    return fail(req, res, 412, 'PreconditionFailed');
  const r = kind === 'whole' || kind === 'plain' ? null : range(req.headers.range, bytes.length);
  if (!r) return send(res, 200, headers, bytes, head);
  stats.ranges++;
  if (bytes.length === 0 || r[0] >= bytes.length)
    return send(res, 416, { 'Content-Range': `bytes */${bytes.length}` }, Buffer.alloc(0), head);
  if (kind === 'stuck' && !/=-/.test(req.headers.range)) return;
  const part = bytes.subarray(r[0], r[1] + 1);
  const shift = kind === 'liar' && !/=-/.test(req.headers.range) ? 1 : 0;
  headers['Content-Range'] = `bytes ${r[0] + shift}-${r[1] + shift}/${bytes.length + shift}`;
  if (kind === 'cut' && !seen.has(req.url + req.headers.range)) {
    seen.add(req.url + req.headers.range);
    res.writeHead(206, { ...headers, 'Content-Length': part.length });
    res.write(part.subarray(0, part.length / 2), () => res.destroy());
    return;
  }
  send(res, 206, headers, part, head);
}

function answerBucket(req, res, bucket, key, query) {
  const region = bucket.startsWith('elsewhere') ? 'eu-central-1' : 'us-east-1';
  if (!['private', 'token', 'public', 'flaky', 'cut', 'busy', 'denied', 'whole', 'liar', 'changing', 'changed', 'stuck',
    'elsewhere', 'elsewhere2', 'dtd', 'endless', 'slow'].includes(bucket)) return fail(req, res, 404, 'NoSuchBucket');
  if (bucket !== 'public' || req.headers.authorization) {
    const wrong = checkSignature(req, region);
    if (wrong === 'AuthorizationHeaderMalformed')
      return bucket === 'elsewhere' ? fail(req, res, 301, 'PermanentRedirect', { 'x-amz-bucket-region': region })
        : fail(req, res, 400, wrong, {}, `<Region>${region}</Region>`);
    if (wrong) return fail(req, res, 403, wrong);
    if (bucket === 'token' && req.headers['x-amz-security-token'] !== TOKEN) return fail(req, res, 403, 'InvalidToken');
  }
  if (bucket === 'denied') return fail(req, res, 403, 'AccessDenied');
  if (bucket === 'busy') return fail(req, res, 503, 'SlowDown');
  const id = `${bucket} ${req.url} ${req.headers.range}`;
  if (bucket === 'flaky' && !seen.has(id)) {
    seen.add(id);
    return fail(req, res, 503, 'SlowDown');
  }
  if (key === '') return listBucket(req, res, bucket, query);
  const file = locate(key);
  if (!file || !fs.existsSync(file) || fs.statSync(file).isDirectory()) return fail(req, res, 404, 'NoSuchKey');
  sendFile(req, res, bucket, file);
}

function answerWeb(req, res, kind, key) {
  const head = req.method === 'HEAD';
  if (kind === 'moved') return send(res, 302, { Location: `../`.repeat(key.split('/').length) + `web/${key}` }, Buffer.alloc(0), head);
  if (kind === 'loop') return send(res, 302, { Location: req.url }, Buffer.alloc(0), head);
  const file = locate(key.replace(/\/$/, ''));
  const there = file && fs.existsSync(file);
  if (there && kind === 'index' && fs.statSync(file).isDirectory())
    return send(res, 200, { 'Content-Type': 'text/html' }, Buffer.from('<html><body><a href="../">../</a>\n' +
      fs.readdirSync(file).map((n) => `<a href="${n}">${n}</a> 1-Jan-2026 12345\n`).join('') + '</body></html>'), head);
  if (!there || fs.statSync(file).isDirectory())
    return send(res, kind === 'closed' ? 403 : 404, {}, Buffer.from('not there'), head);
  sendFile(req, res, kind, file);
}

function answer(req, res) {
  const [rawPath, rawQuery] = req.url.split('?');
  const [, first, ...rest] = rawPath.split('/').map(decodeURIComponent);
  const key = rest.join('/');
  if (first === '_stats') return send(res, 200, { 'Content-Type': 'application/json' }, Buffer.from(JSON.stringify(stats)));
  if (first === '_reset') {
    stats = { requests: 0, bytes: 0, heads: 0, lists: 0, ranges: 0, auth: 0 };
    seen.clear();
    return send(res, 200, {}, Buffer.from('{}'));
  }
  stats.requests++;
  if (req.method === 'HEAD') stats.heads++;
  if (['web', 'index', 'moved', 'loop', 'weak', 'plain', 'closed'].includes(first)) return answerWeb(req, res, first, key);
  answerBucket(req, res, first, key, new URLSearchParams(rawQuery || ''));
}

const server = http.createServer((req, res) => {
  const run = () => {
    try {
      answer(req, res);
    } catch (e) {
      console.error(e);
      res.destroy();
    }
  };
  if (req.url.startsWith('/slow/')) setTimeout(run, 300);
  else run();
});
server.listen(0, '127.0.0.1', () => console.log(`PORT ${server.address().port}`));

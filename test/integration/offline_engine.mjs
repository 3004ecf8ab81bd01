// Plays `vllm run-batch` for the tests: asks a live server for each line of a file of requests and
// writes the answers, shuffled. Usage: offline_engine.mjs REQUESTS ANSWERS URL [every Kth fails]
import { readFileSync, writeFileSync } from "node:fs";

const [input, output, url, failEvery = "0"] = process.argv.slice(2);
const lines = readFileSync(input, "utf8").split("\n").filter((line) => line.length > 0);
const answers = [];
for (const [index, line] of lines.entries()) {
  const request = JSON.parse(line);
  const id = { id: `vllm-${index}`, custom_id: request.custom_id };
  const fails = Number(failEvery) > 0 && index % Number(failEvery) === 0;
  if (fails && index % 2 === 0) {
    const body = { error: { message: "the engine ran out of memory", type: "server_error" } };
    answers.push({ ...id, response: { status_code: 500, request_id: "r", body }, error: null });
    continue;
  }
  if (fails) {
    answers.push({ ...id, response: null, error: { code: "batch_expired", message: "too late" } });
    continue;
  }
  const reply = await fetch(url + request.url, {
    method: request.method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request.body),
  });
  const body = await reply.json();
  // An older version put the completion directly under "response".
  const response = index % 3 === 1 ? body : { status_code: reply.status, request_id: "r", body };
  answers.push({ ...id, response, error: null });
}
answers.sort((a, b) => (a.custom_id < b.custom_id ? 1 : -1));
writeFileSync(output, answers.map((answer) => JSON.stringify(answer) + "\n").join(""));

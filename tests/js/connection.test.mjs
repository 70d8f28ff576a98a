import assert from "node:assert/strict";
import {test} from "node:test";

import {asksFor, Connection} from "../../musicgen/web/js/connection.js";

const HERE = "http://nonet.example/", EVENT = {id: 1, targets: [[2, "click"]], inputs: [], outputs: []};

/** A page before a network: `answers` by what is asked for, each made when it is asked. */
function before(answers, more = {}) {
  const told = [], later = [];
  const network = async input => {
    const answer = answers[asksFor(String(input.url ?? input)) ?? String(input)];
    if (!answer) throw new TypeError("Failed to fetch");
    return answer();
  };
  const connection = new Connection(network, state => { told.push(state); }, {
    base: HERE, config: {app_id: 1, dependencies: [EVENT]}, wait: act => { later.push(act); }, ...more,
  });
  return {connection, told, pass: () => later.shift()?.()};
}

const ask = (connection, what) => connection.fetch(`${HERE}gradio_api/${what}`);
const stream = (...parts) => new Response(new ReadableStream({
  start: controller => { for (const part of parts) controller.enqueue(new TextEncoder().encode(part)); },
  pull: controller => controller.close(),
}), {headers: {"content-type": "text/event-stream"}});

test("what does not reach the server ends for Gradio without a word of its own", async () => {
  const {connection, told} = before({});
  const joined = await ask(connection, "queue/join?x=1");
  assert.equal(joined.status, 422);
  assert.deepEqual(await joined.json(), {detail: []});
  assert.deepEqual(await (await ask(connection, "run/predict")).json(), {error: ""});
  assert.match(await (await ask(connection, "queue/data?session_hash=a")).text(), /"unexpected_error".*\n\n.*"close_stream"/);
  await assert.rejects(ask(connection, "queue/status"), TypeError);
  assert.deepEqual(told, ["lost", "lost", "lost", "lost"]);
});

test("an answer of a proxy before a server that is away is none; the server's own 503 is one", async () => {
  const away = () => new Response("<html>", {status: 502, headers: {"content-type": "text/html"}});
  const {connection, told} = before({"queue/join": away});
  assert.equal((await ask(connection, "queue/join")).status, 422);
  assert.deepEqual(told, ["lost"]);
  const full = before({"queue/join": () => Response.json({detail: "full"}, {status: 503})});
  assert.equal((await ask(full.connection, "queue/join")).status, 503);
  assert.deepEqual(full.told, []);
});

test("a stream that breaks off ends by what Gradio understands; one that ends as it should is left alone", async () => {
  const whole = before({"queue/data": () => stream('data: {"msg":"close_stream"}\n\n')});
  assert.equal(await (await ask(whole.connection, "queue/data")).text(), 'data: {"msg":"close_stream"}\n\n');
  assert.deepEqual(whole.told, []);
  const cut = before({"queue/data": () => stream('data: {"msg":"estimation"}\n\n')});
  assert.match(await (await ask(cut.connection, "queue/data")).text(), /estimation.*\n\n.*unexpected_error.*\n\n.*close_stream/);
  assert.equal(cut.told[0], "lost");
});

test("a stream in which nothing comes any more is lost", async () => {
  const silent = () => new Response(new ReadableStream({}), {headers: {"content-type": "text/event-stream"}});
  const {connection, told} = before({"queue/data": silent}, {silence: 20});
  assert.match(await (await ask(connection, "queue/data")).text(), /close_stream/);
  assert.equal(told[0], "lost");
});

test("it is told once when the server is back, and whether it is the same page", async () => {
  const answers = {}, {connection, told, pass} = before(answers);
  await connection.probe();
  await pass();
  assert.deepEqual(told, ["lost", "lost"]);
  answers.app_id = () => Response.json({app_id: 2});
  answers[`${HERE}config`] = () => Response.json({app_id: 2, dependencies: [{...EVENT, queue: true}]});
  await pass();
  assert.equal(told.pop(), "back");
  assert.equal(await pass(), undefined);
  connection.lose();
  answers.app_id = () => Response.json({app_id: 3});
  answers[`${HERE}config`] = () => Response.json({app_id: 3, dependencies: []});
  await connection.probe();
  assert.equal(told.pop(), "renewed");
});

test("a session that the server does not know is no reason to load the page anew", async () => {
  const {connection} = before({"queue/data": () => stream('data: {"msg":"unexpected_error","session_not_found":true}\n\n')});
  assert.doesNotMatch(await (await ask(connection, "queue/data")).text(), /session_not_found": ?true/);
});

test("the Hub is not asked whether this Space is running", async () => {
  const {connection, told} = before({});
  const answer = await connection.fetch("https://huggingface.co/api/spaces/by-subdomain/me-nonet");
  assert.equal((await answer.json()).runtime.stage, "RUNNING");
  assert.deepEqual(told, []);
});

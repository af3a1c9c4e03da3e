// What openai-node does with a running node: BASE_URL in, one JSON line out.
const OpenAI = require('openai');
const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: 'none', maxRetries: 0 });
const sum = { role: 'user', content: process.env.QUESTION };
const read = { role: 'user', content: 'Read the file notes.txt.' };
const text = { type: 'string' };
// As the demo model was trained on them: it refuses lists of arguments that it never saw.
const known = {
  read_file: { path: text, start_line: text, max_lines: text },
  write_file: { path: text, content: text },
  execute_bash: { command: text },
};
const tools = Object.entries(known).map(([name, properties]) => (
  { type: 'function', function: { name, parameters: { type: 'object', properties } } }));
const model = 'local-swarm';

async function main() {
  const told = {};
  const plain = await client.chat.completions.create({ model, messages: [sum] });
  told.plain = plain.choices[0].message.content;
  told.verdict = plain.swarm.status;

  // the strict helper: it throws without role, type, index or finish_reason
  const runner = client.chat.completions.stream({
    model, messages: [sum], stream_options: { include_usage: true } });
  let deltas = '';
  runner.on('content', (part) => { deltas += part; });
  const final = await runner.finalChatCompletion();
  told.streamed = final.choices[0].message.content;
  told.sameDeltas = deltas === told.streamed;
  told.finish = final.choices[0].finish_reason;
  told.usage = (await runner.totalUsage()).completion_tokens > 0;

  const calling = client.chat.completions.stream({ model, messages: [read], tools });
  const called = (await calling.finalChatCompletion()).choices[0];
  told.call = called.message.tool_calls[0].function;
  told.callFinish = called.finish_reason;
  const result = { role: 'tool', tool_call_id: called.message.tool_calls[0].id, content: 'Milk.' };
  const closed = await client.chat.completions.create({
    model, messages: [read, called.message, result], tools });
  told.loop = closed.choices[0].finish_reason;

  const vectors = await client.embeddings.create({ model, input: ['a', 'b'] }); // base64 by default
  told.dimensions = vectors.data.map((item) => item.embedding.length);
  told.unit = Math.abs(Math.hypot(...vectors.data[0].embedding) - 1) < 1e-4;

  const response = client.responses.stream({ model, input: process.env.QUESTION });
  told.response = (await response.finalResponse()).output_text;
  told.models = [];
  for await (const one of client.models.list()) told.models.push(one.id);
  try {
    await client.chat.completions.create({ model: 'nobody', messages: [sum] });
  } catch (error) {
    told.error = [error.status, error.code, error.constructor.name];
  }
  const cut = await client.chat.completions.create({ model, messages: [sum], stream: true });
  for await (const _ of cut) break; // hangs up
  console.log(JSON.stringify(told));
}

main();

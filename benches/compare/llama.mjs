// Times llama.cpp, as npm's node-llama-cpp brings it, token by token:
//
//     node llama.mjs FILE.gguf PROMPT_TOKENS TOKENS THREADS
//
// A random prompt, then the likeliest token each time. Prints a line of JSON: milliseconds of the prompt, and the median
// of a token.
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

const [file, promptTokens, tokens, threads] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.error, maxThreads: +threads });
const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 });
const context = await model.createContext({ contextSize: 1024, batchSize: 512, threads: +threads });
const sequence = context.getSequence();
let random = 12345;
const id = () => (random = (random * 1103515245 + 12345) & 0x7fffffff) % 50000;
const prompt = Array.from({ length: +promptTokens }, id);

// The first round brings weights in.
for (let round = 0; round < 2; round++) {
  await sequence.clearHistory();
  const times = [];
  let before = performance.now();
  for await (const _ of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
    const now = performance.now();
    times.push(now - before);
    before = now;
    if (times.length > +tokens) break;
  }
  const [first, ...rest] = times;
  rest.sort((a, b) => a - b);
  if (round === 1) console.log(JSON.stringify({ prompt_ms: first, median_ms: rest[rest.length >> 1] }));
}
process.exit(0);

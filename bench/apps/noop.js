import { parentPort } from 'node:worker_threads'

// The first thing that a worker does: say that it has begun.
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort.postMessage('begun')

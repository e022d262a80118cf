import { Worker } from 'node:worker_threads'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { pathToFileURL } from 'node:url'
import './own-packages.ts'
import { thrownOf } from './import-fault.ts'

/** A request of the parent process: the files to import in order. */
interface Ask {
  ticket: string
  files: readonly string[]
}

// The packages that task files import are compiled once, not at each start.
if (process.argv[2] !== undefined) enableCompileCache(process.argv[2])

const GUARD = `
const parent = process.ppid
setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL') }, 1000)
`

// A file that blocks the thread would outlive a killed parent: another thread watches the parent.
new Worker(GUARD, { eval: true }).unref()

// Waits until the message is sent: the next file may block the thread.
const answer = (message: object) => new Promise(sent => process.send?.(message, sent))
const exit = process.exit.bind(process)
const ignore = () => undefined

// A late error of one file must not be blamed on the next.
process.on('uncaughtException', ignore)
process.on('unhandledRejection', ignore)
process.on('disconnect', () => exit(0))
process.on('message', async ({ ticket, files }: Ask) => {
  for (const [index, file] of files.entries()) {
    const thrown = await import(pathToFileURL(file).href).then(() => null, thrownOf)
    // The parent ends this process after the last answer.
    if (index === files.length - 1) flushCompileCache()
    await answer({ ticket: `${ticket}/${index}`, thrown })
  }
})
void answer({ ticket: 'ready/0', thrown: null, startedInMs: performance.now() })

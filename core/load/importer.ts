import { Worker } from 'node:worker_threads'
import { pathToFileURL } from 'node:url'
import { thrownOf } from './fault.ts'

/** One file to import, asked by the process that started this one. */
interface Ask { ticket: string, file: string }

const GUARD = `
const parent = process.ppid
setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL') }, 1000)
`

// A file that never lets go of the thread would outlive a parent that was killed: another thread looks after it.
new Worker(GUARD, { eval: true }).unref()

const answer = (message: object) => process.send?.(message)
const exit = process.exit.bind(process)
const ignore = () => undefined

// What a file lets fail later must not be laid at the door of the next one.
process.on('uncaughtException', ignore)
process.on('unhandledRejection', ignore)
process.on('disconnect', () => exit(0))
process.on('message', ({ ticket, file }: Ask) => {
  import(pathToFileURL(file).href).then(
    () => answer({ ticket, thrown: null }),
    (error: unknown) => answer({ ticket, thrown: thrownOf(error) })
  )
})
answer({ ticket: 'ready', thrown: null })

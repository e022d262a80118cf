import { Worker } from 'node:worker_threads'
import { UncaughtErrors } from '../context/uncaught.ts'
import { host } from './host.ts'
import { isOurs } from './wire.ts'
import { killGroup } from './processes/process-group.ts'
import { mostUsage } from '../../model/run/usage.ts'
import { treeUsage } from './processes/process-tree.ts'
import type { Down, Port, Up } from './wire.ts'
import type { Usage } from '../../model/run/usage.ts'

const GUARD = `
const { workerData: manager } = require('node:worker_threads')
setInterval(() => { if (process.ppid !== manager) process.kill(-process.pid, 'SIGKILL') }, 500)
`

// A function that never lets go of its thread would outlive a manager that was killed: another thread looks after it.
// Whose child this is
// was said by the manager: by the time that the thread asks, it may be gone.
new Worker(GUARD, { eval: true, workerData: Number(process.argv[2]) }).unref()
process.on('disconnect', () => killGroup(process.pid, 'SIGKILL'))

// A task may replace functions of `process`: its end is reported all the same.
const send = process.send!.bind(process)
const { resourceUsage } = process
// What a task sends by itself would be read in the thread of offpeak, however large it is.
process.send = undefined

const port: Port<Up, Down> = {
  // What cannot be said any more is said to nobody: the end of the line is the end of this process.
  post: message => void send(message, undefined, {}, () => undefined),
  listen: hear =>
    void process.on('message', message => {
      if (isOurs(message)) hear(message as Down)
    })
}

function used (): Usage {
  const { userCPUTime: user, systemCPUTime: system, maxRSS: kilobytes } = resourceUsage()
  const own = {
    cpu_seconds: Math.round((user + system) / 1000) / 1000,
    memory_peak_bytes: kilobytes * 1024,
    read_bytes: null,
    written_bytes: null
  }
  return mostUsage(own, treeUsage(process.pid))!
}

void new UncaughtErrors(notice => {
  if (notice.kind === 'late_error') port.post({ say: 'uncaught', error: notice.error })
}).start()

port.listen(message => {
  if (message.say !== 'start') return
  process.title = `offpeak ${message.job.run.task}`
  port.post({
    say: 'began',
    place: { thread: 0, cpu: process.cpuUsage(), held: process.memoryUsage.rss(), task: null, children: [] }
  })
  void host({ job: message.job, port, used, worn: () => false })
})

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

// Without this thread, a function that blocks the event loop would outlive a killed manager. The pid of the manager is
// passed in: by now `process.ppid` may be another process.
new Worker(GUARD, { eval: true, workerData: Number(process.argv[2]) }).unref()
process.on('disconnect', () => killGroup(process.pid, 'SIGKILL'))

// A task may replace functions of `process`, and its end must still be reported.
const send = process.send!.bind(process)
const { resourceUsage } = process
// Messages that a task sends itself, of any size, would be parsed in the main thread of offpeak.
process.send = undefined

const port: Port<Up, Down> = {
  // Failed sends are ignored: this process ends when the channel is closed.
  post: message => void send(message, undefined, {}, () => undefined),
  listen: receive =>
    void process.on('message', message => {
      if (isOurs(message)) receive(message as Down)
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

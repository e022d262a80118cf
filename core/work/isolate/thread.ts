import { readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { getHeapStatistics } from 'node:v8'
import { parentPort, resourceLimits, threadId } from 'node:worker_threads'
import { UncaughtErrors, originOf } from '../context/uncaught.ts'
import { OutputCapture } from '../context/output-capture.ts'
import { ProcessGuard } from '../context/process-guard.ts'
import { RUN_ID } from './processes/process-group.ts'
import { host } from './host.ts'
import { isOurs } from './wire.ts'
import { startedBy } from './processes/process-tree.ts'
import type { Down, Port, Up } from './wire.ts'
import type { MessagePort } from 'node:worker_threads'
import type { Usage } from '../../model/run/usage.ts'

/** A thread whose heap is fuller than this share of its limit after a run has leaked memory, and is not used again. */
const WORN = 0.5

const post = parentPort?.postMessage.bind(parentPort)

// Between runs no port of a run is open, so late errors are sent through the port of the thread.
void new UncaughtErrors(notice => post?.(notice, [])).start()
// The standard output of the process is reserved for log records.
void new OutputCapture({ of: 'streams', others: 'stderr' }).start()
void new ProcessGuard().start()
// Messages that a task sends through the port of the thread, of any size, would be parsed in the main thread of
// offpeak.
if (parentPort) {
  parentPort.postMessage = (...words: unknown[]) => {
    if (originOf() === null) post!(...words as [unknown])
  }
}

const wired = (port: MessagePort): Port<Up, Down> => ({
  post: message => port.postMessage(message, []),
  listen: receive =>
    void port.on('message', message => {
      if (isOurs(message)) receive(message as Down)
    })
})

const millisecondsOf = ({ user, system }: NodeJS.CpuUsage) => Math.round((user + system) / 1000)

function meter (): () => Usage {
  const before = millisecondsOf(process.threadCpuUsage())
  return () => {
    const { total_heap_size: heap, external_memory: outside } = getHeapStatistics()
    return {
      cpu_seconds: (millisecondsOf(process.threadCpuUsage()) - before) / 1000,
      memory_peak_bytes: heap + outside,
      read_bytes: null,
      written_bytes: null
    }
  }
}

/** The id of this thread in /proc; null without /proc. */
function taskName (): string | null {
  try {
    return basename(readlinkSync('/proc/thread-self'))
  } catch {
    return null
  }
}

function isWorn (): boolean {
  const { maxOldGenerationSizeMb: limit = Infinity } = resourceLimits
  return getHeapStatistics().used_heap_size > limit * 2 ** 20 * WORN
}

/** Executes the run that the port sends. Does not resolve when the thread is worn: the manager then ends it. */
export default function thread (port: MessagePort): Promise<void> {
  const line = wired(port)
  const task = taskName()
  line.post({
    say: 'began',
    place: {
      thread: threadId,
      cpu: process.threadCpuUsage(),
      held: 0,
      task,
      children: task === null ? [] : startedBy('self', task)
    }
  })
  return new Promise(done => {
    line.listen(message => {
      if (message.say !== 'start') return
      // Child processes are found by this variable. Each thread has its own environment.
      process.env[RUN_ID] = message.job.run.id
      void host({ job: message.job, port: line, used: meter(), worn: isWorn }).then(worn => {
        delete process.env[RUN_ID]
        if (worn) return
        port.close()
        done()
      })
    })
  })
}

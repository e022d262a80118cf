import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { fork } from '../child.ts'
import type { ChildProcess } from 'node:child_process'
import type { Output } from './setup.ts'
import { LONG_MS } from '../clock.ts'
import { times } from '../depth.ts'

/** A command line for the host; `env` is its whole environment. */
export interface Hosted {
  args: readonly string[]
  cwd: string
  env: NodeJS.ProcessEnv
}

/** Commands that ask a server and print its answer. */
const COMMANDS = ['cancel', 'dead', 'delete', 'discard', 'edit', 'enqueue', 'flow', 'forecast', 'health', 'logs', 'now',
  'pause', 'pauses', 'promote', 'queues', 'readings', 'records', 'replay', 'resume', 'retry', 'run', 'runs',
  'schedules', 'show', 'signal', 'stats', 'tasks', 'timeline', 'why']

/** Of this many command lines that could share a process, one has its own, as for a person; with `--deep`, each one. */
const SHARING = 8

/** Starting Node and loading the command line takes most of the time of a short command. The host is one process that
 *  runs many, one at a time. What this costs: that a command ends by itself, without an open handle, is only seen in
 *  those that have a process of their own. */
class Host {
  #child: ChildProcess | undefined
  #isBusy = false

  takes ([command = '']: readonly string[]): boolean {
    return !this.#isBusy && COMMANDS.includes(command) && times(SHARING) < SHARING &&
      Math.random() * SHARING >= 1
  }

  async run (asked: Hosted): Promise<Output> {
    this.#isBusy = true
    this.#child ??= this.#start()
    const { channel } = this.#child
    try {
      channel!.ref()
      const answered = once(this.#child, 'message', { signal: AbortSignal.timeout(LONG_MS) })
      this.#child.send(asked)
      const [output] = await answered
      return output as Output
    } catch (cause) {
      const { pid } = this.#child
      this.#child.kill('SIGKILL')
      this.#child = undefined
      throw new Error(`the host ${pid} has not answered: offpeak ${asked.args.join(' ')}`, { cause })
    } finally {
      channel!.unref()
      this.#isBusy = false
    }
  }

  #start (): ChildProcess {
    const child = fork(fileURLToPath(new URL('host-entry.ts', import.meta.url)), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc']
    })
    child.unref()
    return child
  }
}

export const host = new Host()

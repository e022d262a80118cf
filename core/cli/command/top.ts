import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import type { MachineView, RunAnswer, RunsAnswer, TaskView } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import type { Snapshot } from '../terminal/frame.ts'
import { Client } from '../remote/client.ts'
import { frameOf } from '../terminal/frame.ts'
import { liveEvents } from '../remote/events.ts'
import { remoteOptions } from '../remote/options.ts'
import { draw, plain, print, printJson, printNote } from '../terminal/output.ts'

const TOPICS = ['runs', 'tasks', 'config', 'readings']
/** A frame is drawn at most four times a second, and at least once a second: durations change without events. */
const FRAME_MS = 250
const STILL_MS = 1000
const RECONNECT_MS = 1000

const ENTER = '\u001B[?1049h\u001B[?25l'
const LEAVE = '\u001B[?25h\u001B[?1049l'
const HOME = '\u001B[H\u001B[2J'

async function snapshotOf (client: Client): Promise<Snapshot> {
  const [running, waiting, tasks, machine] = await Promise.all([
    client.get<RunsAnswer>('/api/runs?state=running&limit=100'),
    client.get<RunsAnswer>('/api/runs?state=queued,blocked&limit=100'),
    client.get<TaskView[]>('/api/tasks'),
    client.get<MachineView>('/api/readings/now')
  ])
  return { running: running.items, waiting: waiting.items, tasks, machine, lost: false }
}

// Some terminals report no size, or zero.
const sizeOf = ({ rows, columns }: { rows?: number, columns?: number }) => ({
  rows: rows || 50,
  columns: columns || 120,
  now: Date.now()
})

/** The snapshot on the screen, kept up to date by events of the server. */
class View {
  readonly #client: Client
  readonly #signal: AbortSignal
  snapshot: Snapshot
  /** True when an event requires a new snapshot. */
  stale = false

  constructor (client: Client, first: Snapshot, signal: AbortSignal) {
    this.#client = client
    this.snapshot = first
    this.#signal = signal
  }

  /** Reads events and reconnects when the connection breaks; resolves when the signal aborts. */
  async follow (): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        for await (const { kind, run } of liveEvents(this.#client, TOPICS, this.#signal)) {
          if (kind === 'progressed' && run?.progress) this.#moved(run.id, run.progress as RunAnswer['progress'])
          else this.stale = true
        }
      } catch {
        // The next snapshot shows whether the server answers.
      }
      this.stale = true
      await wait(RECONNECT_MS, undefined, { signal: this.#signal }).catch(() => undefined)
    }
  }

  #moved (id: string, progress: RunAnswer['progress']): void {
    const running = this.snapshot.running.map(run => run.id === id ? { ...run, progress } : run)
    this.snapshot = { ...this.snapshot, running }
  }

  async refresh (): Promise<void> {
    if (!this.stale) return
    this.stale = false
    this.snapshot = await snapshotOf(this.#client).catch(() => {
      this.stale = true
      return { ...this.snapshot, lost: true }
    })
  }
}

/** Calls `stop` on q, Esc, Ctrl-C and the signals of a shell. Returns a function that restores the terminal. */
function onQuit (stop: () => void): () => void {
  const { stdin, stdout } = process
  const onKey = (key: Buffer) => {
    if (['q', 'Q', '\u0003', '\u001B'].includes(key.toString())) stop()
  }
  const wasRaw = stdin.isRaw
  draw(stdout, ENTER, '')
  if (stdin.isTTY) stdin.setRawMode(true).resume().on('data', onKey)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop)
  return () => {
    draw(stdout, LEAVE, '')
    if (stdin.isTTY) stdin.off('data', onKey).setRawMode(wasRaw).pause()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.removeListener(signal, stop)
  }
}

/** What goes on after a look at it. */
function goOnWords ({ running, lost }: Snapshot): string {
  const again = 'Look again with: offpeak top'
  if (lost || running.length === 0) return again
  const [{ task }] = running as [RunAnswer]
  const tasks = [...new Set(running.map(run => run.task))].join(', ')
  return `${
    running.length === 1 ? `A run of ${task} goes on` : `${running.length} runs go on (${tasks})`
  }. ${again}; ` +
    `follow one with: offpeak logs ${task} --follow`
}

async function live (client: Client, first: Snapshot): Promise<void> {
  const controller = new AbortController()
  const { signal } = controller
  const view = new View(client, first, signal)
  const leave = onQuit(() => controller.abort())
  const following = view.follow()
  try {
    for (let drawn = { at: 0, snapshot: null as Snapshot | null }; !signal.aborted;) {
      await view.refresh()
      if (view.snapshot !== drawn.snapshot || Date.now() - drawn.at >= STILL_MS) {
        draw(process.stdout, HOME, frameOf(view.snapshot, sizeOf(process.stdout)))
        drawn = { at: Date.now(), snapshot: view.snapshot }
      }
      await wait(FRAME_MS, undefined, { signal }).catch(() => undefined)
    }
  } finally {
    controller.abort()
    leave()
    printNote(plain(goOnWords(view.snapshot)))
    await following
  }
}

async function top ({ once, ...given }: RemoteOptions & { once?: boolean }): Promise<void> {
  const client = await Client.find(given)
  const first = await snapshotOf(client)
  if (given.json) return printJson(first)
  if (once || !process.stdout.isTTY) return print(frameOf(first, { ...sizeOf(process.stdout), rows: Infinity }))
  await live(client, first)
}

/** `top`: a live view of runs. */
export function addTop (program: Command): void {
  remoteOptions(
    program.command('top').alias('watch').summary('show live what runs and what is held').description(
      'show live what runs, what is held and why, and what comes next; q quits'
    )
  )
    .option('--once', 'print it once and exit')
    .action(top)
}

import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { readdirSync, rmSync, writeSync } from 'node:fs'
import { Session } from 'node:inspector'
import { extname, join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { InlineTable } from './inline-table.ts'
import { BLOCKED_MS, endOf, blockWords } from '../../model/view/loop-block.ts'
import { closeSignalPipe, waitingSignals } from './signal-pipe.ts'
import { signalAll } from '../isolate/processes/process-group.ts'
import { groupOf, startedBy, treeOf } from '../isolate/processes/process-tree.ts'
import { removeNote, writeNote } from './loop-note.ts'
import type { ChildProcess } from 'node:child_process'
import type { InlineRun, LoopBlock } from '../../model/view/loop-block.ts'
import type { LoopNote } from './loop-note.ts'
import type { WatcherMessage, Terms, WatcherData } from './loop-watch.ts'
import type { StandInState } from './stand-in.ts'

/** How often the beats of the loop are checked, ms. */
const LOOK_MS = 500
/** A check that is this late means that the whole process was suspended, ms. */
const LATE_MS = 3 * LOOK_MS
/** The time between SIGTERM and SIGKILL for the processes of runs, ms. */
const LAST_MS = 1000
const ENDING = [constants.signals.SIGTERM, constants.signals.SIGINT]
const STAND_IN = join(import.meta.dirname, `stand-in${extname(import.meta.filename)}`)

const { memory, folder, owner, where: asking } = workerData as WatcherData
const table = new InlineTable(memory)

let terms: Terms = { graceMs: 0, limitMs: 0, isEnding: false, own: null }
/** When the process was asked to end, as the loop reported it, ms of `performance.now`. */
let endingAt: number | null = null
let beats = -1
let beatAt = performance.now()
let lookedAt = beatAt
let asked = { at: null as number | null, count: 0 }
let block: LoopBlock | null = null
let session: Session | null = null
let standIn: ChildProcess | null = null
let isEnding = false
let isAnnounced = false

// A failed report must not end the watcher.
function quietly (act: () => void): void {
  try {
    act()
  } catch {}
}

const say = (words: string) => quietly(() => void writeSync(2, `offpeak: ${words}\n`))

const noteOf = (found: LoopBlock, ended: LoopNote['ended'] = null): LoopNote => ({ ...found, owner, ended })

/** Asks the main thread what it is executing. The inspector answers even while the loop is blocked by JavaScript. */
function ask (): void {
  quietly(() => {
    const current = session = new Session()
    current.connectToMainThread()
    current.post('Runtime.evaluate', {
      expression: `globalThis[Symbol.for(${JSON.stringify(asking)})]?.()`,
      returnByValue: true
    }, (error, answer) => {
      if (error !== null || block === null || session !== current) return
      const { run, where } = (answer.result.value ?? {}) as { run?: InlineRun | null, where?: string | null }
      // The answer is out of date once the loop has continued; code outside a run adds nothing to an exact answer.
      if (run === undefined || isEnding || table.beats !== beats || (run === null && block.exact)) return
      block = { ...block, runs: run === null ? [] : [run], exact: true, where: where ?? null }
      report()
    })
  })
}

/** Writes the block to its note and to standard error, because the loop cannot report it. */
function report (): void {
  if (block === null) return
  const found = block
  quietly(() => writeNote(folder, noteOf(found)))
  say(blockWords(found))
}

/** Starts a process that answers on the socket of the server. */
function standInFor (): void {
  const { own } = terms
  if (own?.fd === undefined || own.fd < 0) return
  const { fd } = own
  quietly(() => {
    standIn = spawn(process.execPath, [STAND_IN], {
      stdio: ['pipe', 'ignore', 'ignore', fd],
      env: { PATH: process.env.PATH }
    })
    standIn.on('error', () => undefined)
    standIn.stdin!.on('error', () => undefined)
    standIn.unref()
  })
}

function update (): void {
  if (block === null || terms.own === null || standIn === null) return
  const { digest, local, names, version, startedAt } = terms.own
  standIn.stdin?.write(
    `${JSON.stringify({ block, digest, local, names, version, startedAt } satisfies StandInState)}\n`
  )
}

function begin (ms: number): void {
  const runs = table.holders
  block = { ms, runs, exact: runs.length <= 1, where: null }
  report()
  ask()
  standInFor()
}

/** Called when the loop runs again after a block. */
function over (): void {
  const found = block
  block = null
  quietly(() => session?.disconnect())
  session = null
  standIn?.stdin?.end()
  standIn = null
  quietly(() => removeNote(folder))
  if (found) parentPort?.postMessage({ say: 'stood', stood: { ...found, at: Date.now() } } satisfies WatcherMessage, [])
}

/** The child processes of this process. */
const children = (): number[] =>
  readdirSync('/proc/self/task').flatMap(task => startedBy('self', task)).filter(pid => pid !== standIn?.pid)

/** The child processes of scripts and isolated runs. A child that a function waits for is left out: its end would fail
 *  the function. */
const ofRuns = (): number[] => children().filter(pid => groupOf(pid) === pid)

/** Ends the process, which cannot stop in order. Its runs are queued again at the next start. */
function end (why: 'stop' | 'limit', found: LoopBlock): void {
  isEnding = true
  quietly(() => writeNote(folder, noteOf(found, why)))
  say(
    why === 'stop'
      ? `ends, as it was asked to: ${blockWords(found)}`
      : `ends, beyond manager.loop_limit: ${blockWords(found)}`
  )
  quietly(() => signalAll(treeOf(ofRuns()), 'SIGTERM'))
  setTimeout(() => {
    quietly(() => rmSync(terms.own!.listeningFile, { force: true }))
    quietly(() => signalAll(treeOf(children()), 'SIGKILL'))
    process.kill(process.pid, 'SIGKILL')
  }, LAST_MS)
}

function readSignals (now: number): void {
  if (!terms.own?.pipe) return
  const count = waitingSignals(terms.own.pipe).filter(signal => ENDING.includes(signal)).length
  asked = { at: count === 0 ? null : asked.at ?? now, count }
}

/** Announces once when the process ends after a signal that the loop has not read. */
function announce (graceMs: number): void {
  if (isAnnounced) return
  isAnnounced = true
  say(
    `is asked to end while its event loop is blocked: it ends in ${
      Math.ceil(graceMs / 1000)
    } s, and at a second signal at once`
  )
}

function look (): void {
  const now = performance.now()
  const isLate = now - lookedAt > LATE_MS
  lookedAt = now
  if (isEnding) return
  if (table.beats !== beats || (isLate && block === null)) {
    beats = table.beats
    beatAt = now
    asked = { at: null, count: 0 }
    isAnnounced = false
    if (block !== null) over()
    return
  }
  readSignals(now)
  const ms = now - beatAt
  if (ms < BLOCKED_MS && asked.count < 2) return
  if (block === null) begin(ms)
  const found = block = { ...block!, ms }
  if (found.exact && found.runs.length === 1) table.held(found.runs[0]!.id, ms)
  update()
  if (terms.own === null) return
  const { graceMs, limitMs } = terms
  const askedAt = endingAt ?? asked.at
  if (askedAt !== null) announce(graceMs)
  const why = endOf({ ms, askedMs: askedAt === null ? null : now - askedAt, asked: asked.count, graceMs, limitMs })
  if (why !== null) end(why, found)
}

parentPort!.on('message', (received: Terms) => {
  const before = terms.own?.pipe
  if (before && before !== received.own?.pipe && before.read !== received.own?.pipe?.read) closeSignalPipe(before)
  terms = received
  if (terms.isEnding) endingAt ??= performance.now()
})
parentPort!.unref()
setInterval(look, LOOK_MS)

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

/** How often the beats of the loop are looked at, ms. */
const LOOK_MS = 500
/** A look this late means that the whole process was stopped, ms. */
const LATE_MS = 3 * LOOK_MS
/** Between asking the processes of runs to end and ending them. */
const LAST_MS = 1000
const ENDING = [constants.signals.SIGTERM, constants.signals.SIGINT]
const STAND_IN = join(import.meta.dirname, `stand-in${extname(import.meta.filename)}`)

const { memory, folder, owner, where: asking } = workerData as WatcherData
const table = new InlineTable(memory)

let terms: Terms = { graceMs: 0, limitMs: 0, isEnding: false, own: null }
/** When the loop learnt that the process is to end. */
let endingAt: number | null = null
let beats = -1
let cameAt = performance.now()
let lookedAt = cameAt
let asked = { at: null as number | null, count: 0 }
let stand: LoopBlock | null = null
let session: Session | null = null
let standIn: ChildProcess | null = null
let isEnding = false
let isHeard = false

// A report must not fail the watcher.
function quietly (act: () => void): void {
  try {
    act()
  } catch {}
}

const say = (words: string) => quietly(() => void writeSync(2, `offpeak: ${words}\n`))

const noteOf = (found: LoopBlock, ended: LoopNote['ended'] = null): LoopNote => ({ ...found, owner, ended })

/** Asks the main thread what it executes: the inspector answers while JavaScript runs. */
function ask (): void {
  quietly(() => {
    const line = session = new Session()
    line.connectToMainThread()
    line.post('Runtime.evaluate', {
      expression: `globalThis[Symbol.for(${JSON.stringify(asking)})]?.()`,
      returnByValue: true
    }, (error, answer) => {
      if (error !== null || stand === null || session !== line) return
      const { run, where } = (answer.result.value ?? {}) as { run?: InlineRun | null, where?: string | null }
      // Once the loop has gone on, the answer is out of date; code outside a run adds nothing to an exact answer.
      if (run === undefined || isEnding || table.beats !== beats || (run === null && stand.exact)) return
      stand = { ...stand, runs: run === null ? [] : [run], exact: true, where: where ?? null }
      tell()
    })
  })
}

/** Writes the block to its note and to standard error: the loop cannot answer anybody. */
function tell (): void {
  if (stand === null) return
  const found = stand
  quietly(() => writeNote(folder, noteOf(found)))
  say(blockWords(found))
}

/** Answers in the place of the server, on its own socket. */
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
  if (stand === null || terms.own === null || standIn === null) return
  const { digest, local, names, version, startedAt } = terms.own
  standIn.stdin?.write(
    `${JSON.stringify({ stand, digest, local, names, version, startedAt } satisfies StandInState)}\n`
  )
}

function begin (ms: number): void {
  const runs = table.holders
  stand = { ms, runs, exact: runs.length <= 1, where: null }
  tell()
  ask()
  standInFor()
}

/** The loop has come round. */
function over (): void {
  const found = stand
  stand = null
  quietly(() => session?.disconnect())
  session = null
  standIn?.stdin?.end()
  standIn = null
  quietly(() => removeNote(folder))
  if (found) parentPort?.postMessage({ say: 'stood', stood: { ...found, at: Date.now() } } satisfies WatcherMessage, [])
}

/** The processes that this one has started. */
const children = (): number[] =>
  readdirSync('/proc/self/task').flatMap(task => startedBy('self', task)).filter(pid => pid !== standIn?.pid)

/** Those of scripts and isolated runs: one that a function waits for would end before the function, and fail it. */
const ofRuns = (): number[] => children().filter(pid => groupOf(pid) === pid)

/** Ends the process: nobody in it can do so in order. What it had running is put back at the next start. */
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

function hear (now: number): void {
  if (!terms.own?.pipe) return
  const count = waitingSignals(terms.own.pipe).filter(signal => ENDING.includes(signal)).length
  asked = { at: count === 0 ? null : asked.at ?? now, count }
}

/** Says once what becomes of a signal that the loop does not see. */
function promise (graceMs: number): void {
  if (isHeard) return
  isHeard = true
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
  if (table.beats !== beats || (isLate && stand === null)) {
    beats = table.beats
    cameAt = now
    asked = { at: null, count: 0 }
    isHeard = false
    if (stand !== null) over()
    return
  }
  hear(now)
  const ms = now - cameAt
  if (ms < BLOCKED_MS && asked.count < 2) return
  if (stand === null) begin(ms)
  const found = stand = { ...stand!, ms }
  if (found.exact && found.runs.length === 1) table.held(found.runs[0]!.id, ms)
  update()
  if (terms.own === null) return
  const { graceMs, limitMs } = terms
  const askedAt = endingAt ?? asked.at
  if (askedAt !== null) promise(graceMs)
  const why = endOf({ ms, askedMs: askedAt === null ? null : now - askedAt, asked: asked.count, graceMs, limitMs })
  if (why !== null) end(why, found)
}

parentPort!.on('message', (told: Terms) => {
  const before = terms.own?.pipe
  if (before && before !== told.own?.pipe && before.read !== told.own?.pipe?.read) closeSignalPipe(before)
  terms = told
  if (terms.isEnding) endingAt ??= performance.now()
})
parentPort!.unref()
setInterval(look, LOOK_MS)

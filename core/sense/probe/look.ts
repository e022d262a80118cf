import { readFile, readdir, stat } from 'node:fs/promises'
import { milliseconds } from '../../model/base/duration.ts'
import { isAbsent } from '../source/files.ts'
import { judge } from './judge.ts'
import type { ProbeKind, ProbeSetting } from '../../model/config/sense.ts'
import type { Exec } from '../source/exec.ts'
import type { Judgement } from './judge.ts'

interface LookAsk {
  setting: ProbeSetting
  timeoutMs: number
  /** Epoch ms. */
  now: number
  exec: Exec
  proc: string
  platform: NodeJS.Platform
  /** Aborted at the timeout, and when the probe is stopped. */
  signal: AbortSignal
}

const MOST_ANSWER = 1024 * 1024
/** The kernel truncates names to this length, proc(5). */
const COMM_LENGTH = 15

async function namesIn (proc: string): Promise<string[]> {
  const pids = (await readdir(proc)).filter(name => name >= '1' && name < ':' && Number(name) !== process.pid)
  const names: string[] = []
  // Sequential, because hundreds of reads would occupy the threads that all file operations share.
  for (const pid of pids) {
    names.push(await readFile(`${proc}/${pid}/comm`, 'latin1').then(text => text.trim(), () => ''))
  }
  return names
}

async function running ({ exec, proc, platform, timeoutMs, signal }: LookAsk): Promise<string[]> {
  if (platform === 'linux') return namesIn(proc)
  const { output } = await exec({ argv: ['ps', '-A', '-o', 'comm='], timeoutMs, signal })
  return output.split('\n').map(line => line.trim().split('/').at(-1)!.slice(0, COMM_LENGTH))
}

async function processes (ask: LookAsk): Promise<Judgement> {
  const names = new Set(await running(ask))
  const found = ask.setting.processes!.find(name => names.has(name.slice(0, COMM_LENGTH)))
  const detail = found === undefined ? 'none of the programs runs' : `'${found}' runs`
  return { busy: (found !== undefined) === (ask.setting.busy_when?.running ?? true), detail }
}

async function bodyOf (response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length > MOST_ANSWER) break
  }
  return text.slice(0, MOST_ANSWER)
}

async function url ({ setting, signal }: LookAsk): Promise<Judgement> {
  // A redirect is not followed, because it would send the headers to another server.
  const response = await fetch(setting.url!, { signal, redirect: 'manual', headers: setting.headers ?? {} })
  return judge(setting.busy_when ?? {}, { status: response.status, text: await bodyOf(response) })
}

async function command ({ setting, exec, timeoutMs, signal }: LookAsk): Promise<Judgement> {
  const { code, output } = await exec({ argv: setting.command!, timeoutMs, signal })
  if (code === null) throw new Error('a signal ended it')
  return judge(setting.busy_when ?? {}, { exit: code, text: output })
}

async function file ({ setting, now }: LookAsk): Promise<Judgement> {
  const { exists = true, newer_than: newer } = setting.busy_when ?? {}
  const found = await stat(setting.path!).catch((error: unknown) => {
    if (isAbsent(error)) return null
    throw error
  })
  if (found === null) return { busy: !exists, detail: 'the file does not exist' }
  const age = now - found.mtimeMs
  const detail = `changed ${Math.max(0, Math.round(age / 1000))} s ago`
  return { busy: exists && (newer === undefined || age <= milliseconds(newer)), detail }
}

const KINDS: Record<ProbeKind, (ask: LookAsk) => Promise<Judgement>> = { process: processes, url, command, file }

/** Runs a probe once. Rejects when it fails. */
export const look = (ask: LookAsk): Promise<Judgement> => KINDS[ask.setting.kind](ask)

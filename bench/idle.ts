import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Ask } from './contest.ts'
import type { Row } from './row.ts'
import type { Served } from './served.ts'
import { BARE, furnish, serve, serveOffpeak } from './served.ts'
import { contest } from './contest.ts'
import { withFolder } from './place.ts'

const GROUP = 'idle'
const BARE_APP = 'bare Fastify, TypeBox and node:sqlite'
const TICKS_A_SECOND = 100
const MB = 1_000_000

const field = (text: string, name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)![1])

/** The usage of the process: bytes of memory now, processor seconds and bytes written since its start. Source:
 *  proc(5). */
function usage (pid: number) {
  const of = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8')
  const stat = of('stat').split(') ')[1]!.split(' ')
  return {
    rss: field(of('status'), 'VmRSS') * 1024,
    cpu: (Number(stat[11]) + Number(stat[12])) / TICKS_A_SECOND,
    written: field(of('io'), 'write_bytes')
  }
}

const NOTE = 'of a sample of a minute; pages of the write-ahead log count'

async function rowsOf (name: string, { pid, stop }: Served, { small }: Ask): Promise<Row[]> {
  const own = name === 'offpeak'
  try {
    // What is written each minute is written once in it.
    const seconds = small ? 0.5 : 60
    // V8 collects garbage for half a minute after a start.
    await pause(small ? 100 : 40_000)
    const before = usage(pid)
    await pause(seconds * 1000)
    const after = usage(pid)
    return [
      {
        group: GROUP,
        name: `${name}: memory`,
        unit: 'MB',
        value: after.rss / MB,
        ...own ? { ratio_to: `${BARE_APP}: memory`, target: { of: 'ratio', most: 1.25 } } : {}
      },
      {
        group: GROUP,
        name: `${name}: processor`,
        unit: '% of a core',
        value: (after.cpu - before.cpu) / seconds * 100,
        ...own ? { target: { of: 'value', most: 0.3 } } : {}
      },
      {
        group: GROUP,
        name: `${name}: written`,
        unit: 'MB/h',
        value: (after.written - before.written) / seconds * 3600 / MB,
        note: NOTE,
        ...own ? { target: { of: 'value', most: 1 } } : {}
      }
    ]
  } finally {
    await stop()
  }
}

const onLinux = (work: (folder: string) => Promise<Row[]>) => async (): Promise<Row[]> =>
  process.platform === 'linux'
    ? await withFolder(work)
    : [{ group: GROUP, name: 'idle', unit: '', value: null, note: 'skipped: it reads /proc, and this is not Linux' }]

const bare = (ask: Ask) =>
  onLinux(async folder => await rowsOf(BARE_APP, await serve([BARE, 'database', folder]), ask))()

const ours = (ask: Ask) =>
  onLinux(async folder => {
    furnish(folder, 10)
    return await rowsOf('offpeak', await serveOffpeak(folder), ask)
  })()

/** What the process costs while nothing is due, with ten scheduled tasks and the senses at their default period. */
export const contenders = [{ name: 'bare', run: bare }, { name: 'offpeak', run: ours }]
export const run = contest(contenders)

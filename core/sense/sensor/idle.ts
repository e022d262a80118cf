import { readdirSync, statSync } from 'node:fs'
import { MINUTE, SECOND } from '../../model/base/duration.ts'
import { UNKNOWN } from '../../model/machine/reading.ts'
import { absent } from '../source/files.ts'
import { graphicalIdle } from './session.ts'
import type { Maybe } from '../../model/machine/reading.ts'
import type { Exec } from '../source/exec.ts'
import type { SensorHost, PartialReading, Sensor } from '../source/sensor-host.ts'

const LIST_AGAIN = MINUTE
/** Clocks of file systems may be a little ahead. */
const AHEAD = MINUTE
/** Consoles and serial lines that people log in on; other devices under the name of a terminal have nobody before
 *  them. */
const CONSOLE = /^tty(?:[1-9]|1[0-2]|S\d|AMA\d)$/
const PSEUDO = /^\d+$/

const names = (folder: string): string[] => absent(() => readdirSync(folder)) ?? []

function listed (dev: string): { read: string[], changed: string[] } {
  return {
    read: names(dev).filter(name => CONSOLE.test(name)).map(name => `${dev}/${name}`),
    changed: names(`${dev}/input`).filter(name => name.startsWith('event')).map(name => `${dev}/input/${name}`)
  }
}

const at = (path: string, kind: 'atimeMs' | 'mtimeMs'): number => {
  try {
    return statSync(path)[kind]
  } catch {
    // A terminal that was closed, or that is not ours to look at, tells nothing.
    return -Infinity
  }
}

interface IdleAsk extends SensorHost {
  exec: Exec
  /** How often terminals and sessions are asked, ms; between two looks the last touch ages. */
  everyMs: () => number
}

/** Seconds since somebody typed: w(1) counts by the access times of terminals too, which the kernel keeps to eight
 *  seconds. */
export function idleSensor ({ files, roots, clock, exec, everyMs }: IdleAsk): Sensor {
  let paths = { read: [] as string[], changed: [] as string[] }
  let listedAt = -Infinity
  let askedAt = -Infinity
  let last: Touches = { typed: -Infinity, screen: null }
  const graphical = graphicalIdle({ files, roots, clock, exec })
  const terminals = (): number => {
    if (clock.monotonic() - listedAt >= LIST_AGAIN) {
      paths = listed(roots.dev)
      listedAt = clock.monotonic()
    }
    const pseudo = names(`${roots.dev}/pts`).filter(name => PSEUDO.test(name))
    const read = [...paths.read, ...pseudo.map(name => `${roots.dev}/pts/${name}`)]
    const touches = [...read.map(path => at(path, 'atimeMs')), ...paths.changed.map(path => at(path, 'mtimeMs'))]
    // A touch in the future is from a time at which the clock was wrong, and would count until then.
    return Math.max(...touches.filter(touch => touch <= clock.now() + AHEAD))
  }
  return {
    everyMs: 0,
    async read (): Promise<PartialReading> {
      if (clock.monotonic() - askedAt >= everyMs()) {
        askedAt = clock.monotonic()
        const typed = terminals()
        last = { typed, screen: await graphical() }
      }
      return { idle_seconds: together({ now: clock.now(), ...last }) }
    }
  }
}

/** Instants of the last touch, epoch ms: of a terminal, and of a screen as far as there is one. */
interface Touches {
  typed: number
  screen: Maybe<number> | null
}

/** The latest touch of all; while a screen's is unknown, an old one at a terminal proves nothing. */
function together ({ now, typed, screen }: Touches & { now: number }): Maybe<number> {
  const since = (touch: number) => Math.max(0, Math.round((now - touch) / SECOND))
  if (screen === null) return Number.isFinite(typed) ? since(typed) : UNKNOWN
  if (screen !== UNKNOWN) return since(Math.max(typed, screen))
  return Number.isFinite(typed) && now - typed < MINUTE ? since(typed) : UNKNOWN
}

import { readdirSync, statSync } from 'node:fs'
import { MINUTE, SECOND } from '../../model/base/duration.ts'
import { UNKNOWN } from '../../model/machine/reading.ts'
import { absent } from '../source/files.ts'
import { graphicalIdle } from './session.ts'
import type { Maybe } from '../../model/machine/reading.ts'
import type { Exec } from '../source/exec.ts'
import type { SensorHost, PartialReading, Sensor } from '../source/sensor-host.ts'

const LIST_AGAIN = MINUTE
/** Clocks of file systems may be slightly ahead. */
const AHEAD = MINUTE
/** Consoles and serial lines on which people log in. */
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
    // The terminal was closed, or must not be read.
    return -Infinity
  }
}

interface IdleAsk extends SensorHost {
  exec: Exec
  /** The period at which terminals and sessions are read, ms. In between, the idle time grows. */
  everyMs: () => number
}

/** Seconds since the last input, from the access times of terminals as in w(1). The kernel updates them every eight
 *  seconds. */
export function idleSensor ({ files, roots, clock, exec, everyMs }: IdleAsk): Sensor {
  let paths = { read: [] as string[], changed: [] as string[] }
  let listedAt = -Infinity
  let readAt = -Infinity
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
    // An input in the future comes from a wrong clock, and is ignored.
    return Math.max(...touches.filter(touch => touch <= clock.now() + AHEAD))
  }
  return {
    everyMs: 0,
    async read (): Promise<PartialReading> {
      if (clock.monotonic() - readAt >= everyMs()) {
        readAt = clock.monotonic()
        const typed = terminals()
        last = { typed, screen: await graphical() }
      }
      return { idle_seconds: together({ now: clock.now(), ...last }) }
    }
  }
}

/** The last input on a terminal and on a screen, epoch ms. */
interface Touches {
  typed: number
  screen: Maybe<number> | null
}

/** The latest input. Unknown while that of a screen is unknown and the one on a terminal is old. */
function together ({ now, typed, screen }: Touches & { now: number }): Maybe<number> {
  const since = (touch: number) => Math.max(0, Math.round((now - touch) / SECOND))
  if (screen === null) return Number.isFinite(typed) ? since(typed) : UNKNOWN
  if (screen !== UNKNOWN) return since(Math.max(typed, screen))
  return Number.isFinite(typed) && now - typed < MINUTE ? since(typed) : UNKNOWN
}

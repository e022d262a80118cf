import { readdirSync, statSync } from 'node:fs'
import { MINUTE, SECOND } from '../../model/base/duration.ts'
import { UNKNOWN } from '../../model/machine/reading.ts'
import { absent } from '../source/files.ts'
import { graphicalIdle } from './session.ts'
import type { Maybe } from '../../model/machine/reading.ts'
import type { Exec } from '../source/program.ts'
import type { Ground, Part, Sensor } from '../source/sensor.ts'

const EVERY = 10 * SECOND
const LIST_AGAIN = MINUTE
/** Consoles and serial lines that people log in on; other devices under the name of a terminal have nobody before them. */
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

/** Seconds since somebody typed: w(1) counts by the access times of terminals too, which the kernel keeps to eight seconds. */
export function idleSensor ({ files, roots, clock }: Ground, exec: Exec): Sensor {
  let paths = { read: [] as string[], changed: [] as string[] }
  let listedAt = -Infinity
  const graphical = graphicalIdle({ files, roots, clock, exec })
  const terminals = (): number => {
    if (clock.monotonic() - listedAt >= LIST_AGAIN) {
      paths = listed(roots.dev)
      listedAt = clock.monotonic()
    }
    const pseudo = names(`${roots.dev}/pts`).filter(name => PSEUDO.test(name))
    return Math.max(...paths.read.map(path => at(path, 'atimeMs')), ...paths.changed.map(path => at(path, 'mtimeMs')), ...pseudo.map(name => at(`${roots.dev}/pts/${name}`, 'atimeMs')))
  }
  return {
    everyMs: EVERY,
    async read (): Promise<Part> {
      const typed = terminals()
      const screen = await graphical()
      return { idle_seconds: together({ now: clock.now(), typed, screen }) }
    }
  }
}

/** The latest touch of all; while a screen's is unknown, an old one at a terminal proves nothing. */
function together ({ now, typed, screen }: { now: number, typed: number, screen: Maybe<number> | null }): Maybe<number> {
  const since = (touch: number) => Math.max(0, Math.round((now - touch) / SECOND))
  if (screen === null) return Number.isFinite(typed) ? since(typed) : UNKNOWN
  if (screen !== UNKNOWN) return since(Math.max(typed, screen))
  return Number.isFinite(typed) && now - typed < MINUTE ? since(typed) : UNKNOWN
}

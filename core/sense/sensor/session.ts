import { readdirSync } from 'node:fs'
import { MINUTE, SECOND } from '../../model/base/duration.ts'
import { UNKNOWN } from '../../model/machine/reading.ts'
import { absent } from '../source/files.ts'
import { isInstalled } from '../source/exec.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Maybe } from '../../model/machine/reading.ts'
import type { Exec } from '../source/exec.ts'
import type { SensorHost } from '../source/sensor-host.ts'

const EVERY = MINUTE
const BOUND = 4 * SECOND
const MICRO = 1000

/** The ids of graphical sessions, from the state files of systemd-logind. */
function screens ({ files, roots }: Pick<SensorHost, 'files' | 'roots'>): string[] {
  const folder = `${roots.run}/systemd/sessions`
  const ids = (absent(() => readdirSync(folder)) ?? []).filter(name => !name.endsWith('.ref'))
  return ids.filter(id => {
    const lines = (files.once(`${folder}/${id}`) ?? '').split('\n')
    return lines.some(line => /^TYPE=(?:x11|wayland|mir)$/.test(line)) && lines.includes('CLASS=user') &&
      !lines.includes('STATE=closing')
  })
}

/** The instant of the last input, from the output of `loginctl show-session`; now while a session is not idle. */
function lastTouch (output: string, now: number): Maybe<number> {
  const sessions = output.split('\n\n').map(block =>
    Object.fromEntries(
      block.split('\n').filter(line => line.includes('=')).map(line => line.split('=', 2) as [string, string])
    )
  )
  const touches = sessions.map(({ IdleHint: hint, IdleSinceHint: since }) =>
    hint === 'no' ? now : hint === 'yes' && Number(since) > 0 ? Number(since) / MICRO : null
  ).filter(touch => touch !== null)
  return touches.length === 0 ? UNKNOWN : Math.max(...touches)
}

/** The last input of graphical sessions, epoch ms: null without sessions, unknown if logind does not answer. Read once
 *  a minute, and only while there is a session. */
export function graphicalIdle (
  { files, roots, clock, exec }: { files: SensorHost['files'], roots: SensorHost['roots'], clock: Clock, exec: Exec }
): () => Promise<Maybe<number> | null> {
  let readAt = -Infinity
  let answer: Maybe<number> | null = null
  return async () => {
    if (clock.monotonic() - readAt < EVERY) return answer
    readAt = clock.monotonic()
    const ids = screens({ files, roots })
    if (ids.length === 0) return answer = null
    answer = UNKNOWN
    if (!await isInstalled('loginctl')) return answer
    const { output } = await exec({
      argv: ['loginctl', 'show-session', ...ids, '--property=IdleHint', '--property=IdleSinceHint'],
      timeoutMs: BOUND
    })
    return answer = lastTouch(output, clock.now())
  }
}

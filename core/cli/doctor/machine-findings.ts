import { MINUTE, SECOND, spanWords } from '../../model/base/duration.ts'
import { fault, note, warning, when } from './finding.ts'
import type { ClockFacts, NodeFacts, ProcessFacts, SensorFacts, ZoneFacts } from './facts.ts'
import type { Finding } from './finding.ts'
import { sizeWords } from '../../model/base/size.ts'

/** No offpeak existed before. */
const BUILT = Date.UTC(2026, 0, 1)
/** Clocks of file systems are coarse; a file server may be this far off. */
const SKEW = 5 * SECOND
/** Runs may be stored with an instant of a moment ago. */
const AHEAD = MINUTE

/** Whether Node is new enough. */
export const nodeFindings = ({ version, needed }: NodeFacts): Finding[] =>
  when([
    Number(version.replace(/^v/, '').split('.')[0]) < needed,
    fault('node_old', `This is Node ${version}; offpeak needs ${needed} or later.`,
      `Install Node ${needed} or later, or run \`npm install\` in the folder of offpeak, which brings its own.`)
  ])

const SET_CLOCK = 'Set the clock, and let a time server keep it: `timedatectl set-ntp true`.'

/** Whether the clock is plausible. */
export function clockFindings ({ now, synchronised, skewMs, newest }: ClockFacts): Finding[] {
  const skew = Math.abs(skewMs ?? 0)
  return when([
    now < BUILT,
    fault('clock_past', `The clock says ${new Date(now).toISOString()}, before offpeak existed.`, SET_CLOCK)
  ], [
    newest !== null && newest > now + AHEAD,
    fault('clock_back',
      `The clock is ${spanWords((newest ?? 0) - now)} behind the latest stored run: it was set back, or was ahead.`,
      `${SET_CLOCK} Runs that were planned meanwhile start when the clock reaches them.`)
  ], [
    synchronised === false,
    warning('clock_unsynchronised', 'The clock is not synchronised with a time server.', SET_CLOCK)
  ], [
    skew > SKEW,
    warning('clock_files',
      `The file system of the data folder is ${spanWords(skew)} ${
        (skewMs ?? 0) > 0 ? 'ahead of' : 'behind'
      } the clock.`, 'Synchronise the clock of the machine that has the disk, or use a data folder on a local disk.')
  ])
}

const isZone = (name: string): boolean => {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}

/** Whether schedules fire in the intended time zone. */
export function zoneFindings ({ given, process, tasks }: ZoneFacts): Finding[] {
  const named = given?.replace(/^:/, '') ?? ''
  const isUnknown = named !== '' && !named.startsWith('/') && !isZone(named)
  return when([
    isUnknown,
    warning('zone_unknown', `TZ is '${given}', which is not an IANA time zone: ${process} is used instead.`,
      'Set TZ to a name such as Europe/Berlin, or set manager.timezone in config.json.')
  ], [
    !isUnknown && tasks !== process,
    note('zone_differs', `Schedules without a time zone of their own use ${tasks}; this machine uses ${process}.`,
      'If that is not intended, change manager.timezone in config.json.')
  ])
}

/** Sensors that fail: their values are unknown. */
export const sensorFindings = (sensors: readonly SensorFacts[], now: number): Finding[] =>
  sensors.map(({ sensor, message, since }) =>
    warning('sensor_fails', `The sensor ${sensor} fails${
      now - since < SECOND
        ? ''
        : ` since ${spanWords(now - since)}`
    }: ${message}.`,
      'Its values are unknown, and gates on them stay closed. Repair it, or turn it off in the section sense of ' +
        'config.json; `offpeak readings` shows every value.')
  )

const MANY_FILES = 0.8
const MUCH_MEMORY = 0.5

/** Leaks of the server: open files and memory. */
export function processFindings ({ pid, memory, total, files, mostFiles }: ProcessFacts): Finding[] {
  return when([
    mostFiles !== null && files > mostFiles * MANY_FILES,
    warning('files_open', `The server (pid ${pid}) has ${files} of at most ${mostFiles} files open.`,
      'A task may leave files or connections open: close them in `finally`, or give the task `isolation: process`. ' +
        `To see which they are, run: ls -l /proc/${pid}/fd`)
  ], [
    memory > total * MUCH_MEMORY,
    warning('memory_large', `The server (pid ${pid}) uses ${sizeWords(memory)} of ${sizeWords(total)} of memory.`,
      'A task may keep what it no longer needs: give it `isolation: process` and a `memory_limit`, then restart.')
  ])
}

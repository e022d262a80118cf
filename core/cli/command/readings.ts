import type { Command } from 'commander'
import type { MachineView } from '../remote/answers.ts'
import type { Maybe } from '../../model/machine/reading.ts'
import type { Remote } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { agoWords, timeWords } from '../terminal/run-words.ts'
import { known } from '../../model/machine/reading.ts'
import { plain, say, sayJson } from '../terminal/output.ts'
import { remote } from '../remote/options.ts'
import { sizeWords } from '../../model/base/size.ts'
import { spanWords } from '../../model/base/duration.ts'

const told = <T>(value: Maybe<T>, words: (value: T) => string): string => known(value) ? words(value) : 'unknown'
const share = (value: number) => `${Math.round(value * 100)} %`
const percent = (value: number) => `${Math.round(value)} %`
const span = (seconds: number) => spanWords(seconds * 1000)
const rate = (bytes: number) => `${sizeWords(bytes)}/s`

/** Of the parts, those that something is known of. */
const parts = (...all: string[]) => all.filter(part => part !== '').join(', ')
const maybe = <T>(value: Maybe<T>, words: (value: T) => string): string => known(value) ? words(value) : ''

type Reading = MachineView['reading']

function batteryWords ({ battery: { present, level, charging, seconds_left: left } }: Reading): string {
  if (present === false) return 'none'
  return parts(told(level, percent), maybe(charging, yes => yes ? 'charging' : 'not charging'),
    maybe(left, seconds => `${span(seconds)} left`))
}

function networkWords ({ network: { online, metered, bytes_per_s: bytes } }: Reading): string {
  return parts(told(online, yes => yes ? 'online' : 'offline'), maybe(metered, yes => yes ? 'metered' : 'unmetered'),
    maybe(bytes, rate))
}

function pressureWords ({ pressure }: Reading): string {
  return Object.entries(pressure).map(([name, { some }]) => `${name} ${told(some, percent)}`).join(', ')
}

function machineFacts (reading: Reading): [string, string][] {
  const { ups, cpu, memory, io, disks, temperature, idle_seconds: idle } = reading
  return [
    ['power', told(reading.power, source => `on ${source}`)],
    ['battery', batteryWords(reading)],
    ['ups', ups === null
      ? ''
      : parts(told(ups.on_battery, yes => yes ? 'on its battery' : 'on mains'), maybe(ups.level, percent))],
    ['cpu',
      parts(told(cpu.busy, share), maybe(cpu.own, own => `${share(own)} of it offpeak's own`),
        maybe(cpu.load, load => `load ${Math.round(load * 100) / 100} a core`),
        `${cpu.cores} core${cpu.cores === 1 ? '' : 's'}`)],
    ['memory',
      parts(told(memory.used, share), maybe(memory.available_bytes, bytes => `${sizeWords(bytes)} available`))],
    ['io', parts(told(io.busy, share), maybe(io.bytes_per_s, rate))],
    ['network', networkWords(reading)],
    ...disks.map((
      { path, free_bytes: free, used }
    ): [string, string] => ['disk',
      parts(`${path}: ${told(free, bytes => `${sizeWords(bytes)} free`)}`, maybe(used, part => `${share(part)} used`))]
    ),
    ['temperature', told(temperature, degrees => `${Math.round(degrees)} °C`)],
    ['idle', told(idle, seconds => `for ${span(seconds)}`)],
    ['pressure', pressureWords(reading)]
  ]
}

/** How the machine stands, one fact a line. */
export function machineWords (
  { reading, profile, window, hints, recommendation, troubles }: MachineView,
  now = Date.now()
): string {
  const facts: [string, string][] = [
    ...machineFacts(reading),
    ...Object.entries(reading.signals).map((
      [name, { value, expires_at: until }]
    ): [string, string] => ['signal', `${name} is ${value}, until ${timeWords(until, now)}`]),
    ...Object.entries(reading.probes).map((
      [name, { busy, detail }]
    ): [string, string] => ['probe',
      `${name}: ${told(busy, yes => yes ? 'busy' : 'quiet')}${detail === null ? '' : ` (${detail})`}`]
    ),
    ['profile', profile],
    ['window', window === null
      ? ''
      : `${window.name}${window.closes_at === null ? '' : `, until ${timeWords(window.closes_at, now)}`}`],
    ['hints',
      `batch ${hints.batch_size}, quality ${hints.quality}${hints.can_parallel ? '' : ', one at a time'}${
        hints.suspend_non_critical ? ', critical work alone' : ''
      }`],
    ['advice', recommendation],
    ...troubles.map((
      { sensor, message, since }
    ): [string, string] => ['trouble', `${sensor}: ${message} (since ${timeWords(since, now)})`]),
    ['read', agoWords(reading.at, now)]
  ]
  return facts.filter(([, value]) => value !== '').map(([name, value]) => `${name.padEnd(11)} ${plain(value)}`).join(
    '\n'
  )
}

async function readings (given: Remote): Promise<void> {
  const client = await Client.find(given)
  const machine = await client.get<MachineView>('/api/readings/now')
  if (given.json) return sayJson(machine)
  say(machineWords(machine))
}

/** `readings`: what the machine does now. */
export function addReadings (program: Command): void {
  remote(
    program.command('readings').description('what the machine does now: power, load, disks, network, signals, probes')
  ).action(readings)
}

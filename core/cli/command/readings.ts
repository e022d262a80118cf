import type { Command } from 'commander'
import type { MachineView } from '../remote/answers.ts'
import type { Maybe } from '../../model/machine/reading.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { Client } from '../remote/client.ts'
import { agoWords, timeWords } from '../terminal/time-words.ts'
import { known } from '../../model/machine/reading.ts'
import { plain, print, printJson } from '../terminal/output.ts'
import { remoteOptions } from '../remote/options.ts'
import { sizeWords } from '../../model/base/size.ts'
import { spanWords } from '../../model/base/duration.ts'

const orUnknown = <T>(value: Maybe<T>, words: (value: T) => string): string => known(value) ? words(value) : 'unknown'
const share = (value: number) => `${Math.round(value * 100)} %`
const percent = (value: number) => `${Math.round(value)} %`
const span = (seconds: number) => spanWords(seconds * 1000)
const rate = (bytes: number) => `${sizeWords(bytes)}/s`

/** The parts that are known. */
const parts = (...all: string[]) => all.filter(part => part !== '').join(', ')
const ifKnown = <T>(value: Maybe<T>, words: (value: T) => string): string => known(value) ? words(value) : ''

type Reading = MachineView['reading']

function batteryWords ({ battery: { present, level, charging, seconds_left: left } }: Reading): string {
  if (present === false) return 'none'
  return parts(orUnknown(level, percent), ifKnown(charging, yes => yes ? 'charging' : 'not charging'),
    ifKnown(left, seconds => `${span(seconds)} left`))
}

function networkWords ({ network: { online, metered, bytes_per_s: bytes } }: Reading): string {
  return parts(orUnknown(online, yes => yes ? 'online' : 'offline'),
    ifKnown(metered, yes => yes ? 'metered' : 'unmetered'), ifKnown(bytes, rate))
}

function pressureWords ({ pressure }: Reading): string {
  return Object.entries(pressure).map(([name, { some }]) => `${name} ${orUnknown(some, percent)}`).join(', ')
}

function machineFacts (reading: Reading): [string, string][] {
  const { ups, cpu, memory, io, disks, temperature, idle_seconds: idle } = reading
  return [
    ['power', orUnknown(reading.power, source => `on ${source}`)],
    ['battery', batteryWords(reading)],
    ['ups', ups === null
      ? ''
      : parts(orUnknown(ups.on_battery, yes => yes ? 'on its battery' : 'on mains'), ifKnown(ups.level, percent))],
    ['cpu',
      parts(orUnknown(cpu.busy, share), ifKnown(cpu.own, own => `${share(own)} of it offpeak's own`),
        ifKnown(cpu.load, load => `load ${Math.round(load * 100) / 100} a core`),
        `${cpu.cores} core${cpu.cores === 1 ? '' : 's'}`)],
    ['memory',
      parts(orUnknown(memory.used, share), ifKnown(memory.available_bytes, bytes => `${sizeWords(bytes)} available`))],
    ['io', parts(orUnknown(io.busy, share), ifKnown(io.bytes_per_s, rate))],
    ['network', networkWords(reading)],
    ...disks.map((
      { path, free_bytes: free, used }
    ): [string, string] => ['disk',
      parts(`${path}: ${orUnknown(free, bytes => `${sizeWords(bytes)} free`)}`,
        ifKnown(used, part => `${share(part)} used`))]
    ),
    ['temperature', orUnknown(temperature, degrees => `${Math.round(degrees)} °C`)],
    ['idle', orUnknown(idle, seconds => `for ${span(seconds)}`)],
    ['pressure', pressureWords(reading)]
  ]
}

/** The state of the machine, one fact per line. */
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
      `${name}: ${orUnknown(busy, yes => yes ? 'busy' : 'quiet')}${detail === null ? '' : ` (${detail})`}`]
    ),
    ['profile', profile],
    ['window', window === null
      ? ''
      : `${window.name}${window.closes_at === null ? '' : `, until ${timeWords(window.closes_at, now)}`}`],
    ['hints',
      `batch ${hints.batch_size}, quality ${hints.quality}${hints.can_parallel ? '' : ', one at a time'}${
        hints.suspend_non_critical ? ', critical work only' : ''
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

async function readings (given: RemoteOptions): Promise<void> {
  const client = await Client.find(given)
  const machine = await client.get<MachineView>('/api/readings/now')
  if (given.json) return printJson(machine)
  print(machineWords(machine))
}

/** `readings`: the machine now. */
export function addReadings (program: Command): void {
  remoteOptions(
    program.command('readings').summary('show the machine now: power, load, disks').description(
      'show the machine now: power, load, disks, network, signals, probes'
    )
  ).action(readings)
}

import { performance } from 'node:perf_hooks'
import { Cron } from 'croner'
import { compileTrigger } from '../core/model/trigger.ts'

const PATTERNS = ['* * * * *', '*/15 * * * *', '0 3 * * *', '30 2 * * 1-5', '0 0 1 * *', '0 0 29 2 *', '*/10 * * * * *', '0 9-17 13 * 5']
const ZONES = ['UTC', 'Europe/Rome', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Casablanca']
const START = Date.UTC(2026, 0, 1)

/** Operations per second of `work`, which is done `times` times after a tenth of that to warm up. */
function rate (times: number, work: (index: number) => void): number {
  for (let index = 0; index < times / 10; index++) work(index)
  const begun = performance.now()
  for (let index = 0; index < times; index++) work(index)
  return times / (performance.now() - begun) * 1000
}

const count = (value: number) => Math.round(value).toLocaleString('en').padStart(12)
const mean = (rates: number[]) => Math.exp(rates.reduce((sum, value) => sum + Math.log(value), 0) / rates.length)

function nextRate (pattern: string, zone: string, times: number): number {
  const trigger = compileTrigger({ trigger: pattern, timezone: zone }, START)
  let at = START
  return rate(times, index => { at = index % 500 === 0 ? START : trigger.next(at)! })
}

function cronerRate (pattern: string, zone: string, times: number): number {
  const cron = new Cron(pattern, { timezone: zone, paused: true })
  let at = new Date(START)
  return rate(times, index => { at = index % 500 === 0 ? new Date(START) : cron.nextRun(at)! })
}

function neverMs (): number {
  const never = [
    compileTrigger({ trigger: 'cron', trigger_args: { month: 2, day: 29, year: '*/4' } }, START),
    compileTrigger({ trigger: '0 0 30 2 *' }, START)
  ]
  const begun = performance.now()
  for (const trigger of never) trigger.next(START)
  return (performance.now() - begun) / never.length
}

/** Measures next fires and compilations, ours beside croner's; rates are per second, `never` is ms for a date that does not exist. */
export function run ({ small }: { small: boolean }) {
  const times = small ? 20_000 : 500_000
  const never = neverMs()
  const grid = PATTERNS.flatMap(pattern => ZONES.map(zone => ({ pattern, zone })))
  const next = grid.map(({ pattern, zone }) => ({ pattern, zone, rate: nextRate(pattern, zone, times) }))
  const croner = grid.map(({ pattern, zone }) => cronerRate(pattern, zone, Math.min(times / 50, 2000)))
  // Every text is new, so nothing is answered from memory.
  const compile = rate(times / 10, index => {
    compileTrigger({ trigger: 'cron', trigger_args: { second: index % 60, minute: Math.trunc(index / 60) % 60, hour: `${Math.trunc(index / 3600) % 24}-23`, day: '1-15' } }, START)
  })
  return { next, mean: mean(next.map(entry => entry.rate)), cronerMean: mean(croner), compile, never }
}

if (import.meta.main) {
  const { next, mean: ours, cronerMean, compile, never } = run({ small: process.argv.includes('--small') })
  for (const { pattern, zone, rate: value } of next) console.log(`${count(value)}/s  ${pattern.padEnd(16)} ${zone}`)
  console.log(`${count(ours)}/s  geometric mean (croner ${count(cronerMean).trim()}/s)`)
  console.log(`${count(compile)}/s  compile`)
  console.log(`${never.toFixed(2).padStart(12)} ms a date that never comes`)
}

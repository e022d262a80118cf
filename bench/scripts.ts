import type { Script } from './contest.ts'

/** Every script, in the order in which it is done. */
export const SCRIPTS = ['add', 'drain', 'latency', 'loop', 'engine', 'lateness', 'scale', 'cron', 'boot', 'sense',
  'idle', 'http', 'big'] as const
export type Name = typeof SCRIPTS[number]

/** One script, by name. */
export const script = async (name: string): Promise<Script> => await import(`./${name}.ts`) as Script

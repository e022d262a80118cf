import type { Ask } from './contest.ts'
import { script } from './scripts.ts'

/** One contender in this process: `one.ts <script> <contender> <ask>`; its rows go to the parent. */
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const [, , name, contender, ask] = process.argv as [string, string, string, string, string]
const { contenders } = await script(name)
const rows = await contenders.find(one => one.name === contender)!.run(JSON.parse(ask) as Ask)
process.send!(rows, () => process.exit(0))

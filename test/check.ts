import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { STATIC } from './commands.ts'

/** What `npm run check` runs, each in a process of its own. */
const CHECKS: Record<string, [string, ...string[]]> = {
  ...STATIC,
  format: ['node', 'test/form/form.test.ts'],
  words: ['node', 'test/form/forbidden.test.ts'],
  floors: ['node', 'test/floors.test.ts'],
  exports: ['node', 'test/exports.test.ts']
}

interface Checked {
  code: number
  output: string
  ms: number
}

async function check ([command, ...words]: [string, ...string[]]): Promise<Checked> {
  const began = performance.now()
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' })
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  }
  const [code] = await once(child, 'close') as [number | null]
  return { code: code ?? 1, output, ms: performance.now() - began }
}

const left = Object.entries(CHECKS)

/** Takes one check after the other until none is left; several of these share them. */
async function worker (): Promise<void> {
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    const [name, words] = next
    const { code, output, ms } = await check(words)
    console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${(ms / 1000).toFixed(1)} s)`)
    if (code === 0) continue
    process.exitCode = 1
    console.log(output.trimEnd())
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, worker))

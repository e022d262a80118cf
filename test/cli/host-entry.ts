import { chdir } from 'node:process'
import { main } from '../../core/cli.ts'
import type { Hosted } from './host.ts'
import type { Output } from './setup.ts'

// Runs command lines that arrive as messages, one at a time, as bin/offpeak.js does with its own.

class Exit {
  readonly code: number | undefined
  constructor (code: number | undefined) {
    this.code = code
  }
}

const STREAMS = { out: process.stdout, err: process.stderr }

process.exit = (code?: number | string | null) => {
  throw new Exit(code === undefined || code === null ? undefined : Number(code))
}

function setEnvironment (env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (!Object.hasOwn(env, name)) delete process.env[name]
  Object.assign(process.env, env)
}

/** Collects what is written to the standard streams from now on. */
function collect (): Pick<Output, 'out' | 'err'> {
  const output = { out: '', err: '' }
  for (const [name, stream] of Object.entries(STREAMS) as [keyof typeof STREAMS, NodeJS.WriteStream][]) {
    stream.removeAllListeners('error')
    stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
      output[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
      for (const done of rest) if (typeof done === 'function') done()
      return true
    }) as typeof stream.write
  }
  return output
}

async function run ({ args, cwd, env }: Hosted): Promise<Output> {
  setEnvironment(env)
  chdir(cwd)
  process.argv = [process.execPath, 'offpeak', ...args]
  process.exitCode = undefined
  const output = collect()
  let exit: number | undefined
  await main(process.argv).catch((error: unknown) => {
    if (!(error instanceof Exit)) throw error
    exit = error.code
  })
  return { ...output, code: exit ?? Number(process.exitCode ?? 0) }
}

process.on('message', (asked: Hosted) => void run(asked).then(output => process.send!(output)))

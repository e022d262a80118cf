import { StringDecoder } from 'node:string_decoder'
import { lineReader } from './line-reader.ts'
import type { LineReader } from './line-reader.ts'
import type { TaskLog } from '../../model/task/context.ts'

/** The standard streams, and the level of a line that is written to each. */
const LEVELS = { stdout: 'info', stderr: 'warn' } as const
export type OutputName = keyof typeof LEVELS

interface Reader {
  decoder: StringDecoder
  lines: LineReader
}

/** What a function writes to the standard streams of its process, as lines of the log of its run. */
export class RunOutput {
  readonly #log: () => Pick<TaskLog, 'info' | 'warn'>
  #readers: Partial<Record<OutputName, Reader>> = {}
  #isOver = false

  constructor (log: () => Pick<TaskLog, 'info' | 'warn'>) {
    this.#log = log
  }

  /** False when the run is over: its log takes nothing more. */
  write (name: OutputName, chunk: Uint8Array): boolean {
    if (this.#isOver) return false
    const { decoder, lines } = this.#readers[name] ??= this.#reader(name)
    lines.write(decoder.write(chunk))
    return true
  }

  /** Logs lines that have no end yet, and takes no more. */
  end (): void {
    for (const { decoder, lines } of Object.values(this.#readers)) {
      lines.write(decoder.end())
      lines.end()
    }
    this.#readers = {}
    this.#isOver = true
  }

  #reader (name: OutputName): Reader {
    return {
      decoder: new StringDecoder('utf8'),
      lines: lineReader(text => {
        if (text !== '') this.#log()[LEVELS[name]](text)
      })
    }
  }
}

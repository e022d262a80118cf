import { StringDecoder } from 'node:string_decoder'
import { lineReader } from './line-reader.ts'
import type { LineReader } from './line-reader.ts'
import type { TaskLog } from '../../model/task/context.ts'

/** The log level of lines written to each standard stream. */
const LEVELS = { stdout: 'info', stderr: 'warn' } as const
export type OutputName = keyof typeof LEVELS

interface Reader {
  decoder: StringDecoder
  lines: LineReader
}

/** Adds the output of a function to the standard streams to the log of its run, line by line. */
export class RunOutput {
  readonly #log: () => Pick<TaskLog, 'info' | 'warn'>
  #readers: Partial<Record<OutputName, Reader>> = {}
  #isOver = false

  constructor (log: () => Pick<TaskLog, 'info' | 'warn'>) {
    this.#log = log
  }

  /** Returns false when the run has ended and its log is closed. */
  write (name: OutputName, chunk: Uint8Array): boolean {
    if (this.#isOver) return false
    const { decoder, lines } = this.#readers[name] ??= this.#reader(name)
    lines.write(decoder.write(chunk))
    return true
  }

  /** Logs incomplete lines and closes the log. */
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

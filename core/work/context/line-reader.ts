/** The longest line, in characters: a line without an end must not fill the memory. */
const LONGEST_LINE = 64 * 1024

export interface LineReader {
  write(chunk: string): void
  end(): void
}

/** Calls back with each line of the chunks written, and with the last one at the end. A line that exceeds `longest` is
 *  passed in parts. */
export function lineReader (
  line: (text: string) => void,
  longest: (start: string) => number = () => LONGEST_LINE
): LineReader {
  let rest = ''
  const flush = () => {
    const text = rest
    rest = ''
    line(text)
  }
  return {
    write: chunk => {
      const lines = (rest + chunk).split(/\r?\n/)
      rest = lines.pop()!
      lines.forEach(line)
      if (rest.length > longest(rest)) flush()
    },
    end: () => {
      if (rest !== '') flush()
    }
  }
}

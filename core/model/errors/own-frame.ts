/** The folder of offpeak's own code, as a URL. */
const OWN = new URL('../../', import.meta.url).href
const FRAME = /^\s+at (?:.*\()?((?:file:\/\/)?\/[^\n]*?|[A-Za-z]:[\\/][^\n]*?)(?:\?[^\n:]*)?:(\d+):(\d+)\)?$/
const MOST_LINES = 50

/** A path without its scheme and its escapes. */
function pathOf (place: string): string {
  try {
    return decodeURIComponent(place.replace(/^file:\/\//, ''))
  } catch {
    return place
  }
}

const CORE = pathOf(OWN)

/** `throws.ts:1:120`: the first frame of a stack in code that is neither of Node, of a package, nor of offpeak itself;
 *  undefined: there is none. */
export function ownFrame (stack: string): string | undefined {
  for (const line of stack.split('\n', MOST_LINES)) {
    const [, place, row, column] = FRAME.exec(line) ?? []
    if (place === undefined) continue
    const path = pathOf(place)
    if (path.includes('/node_modules/') || path.startsWith(CORE)) continue
    return `${path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)}:${row}:${column}`
  }
  return undefined
}

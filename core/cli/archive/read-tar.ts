const BLOCK = 512

/** A member of an archive; its body is read before the next member, or passed over. */
export interface TarMember {
  name: string
  type: 'file' | 'folder' | 'other'
  mode: number
  size: number
  body: AsyncIterable<Buffer>
}

const TYPES: Record<string, TarMember['type']> = { '0': 'file', '\0': 'file', '5': 'folder' }
const EXTENDED = 'x'

/** Reads exactly as many bytes as are asked for from pieces of any size. */
class Bytes {
  readonly #pieces: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor (pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /** At most this many bytes, at least one; throws at the end. */
  async some (most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#pieces.next()
      if (done) throw new Error('it ends too early')
      this.#rest = value
    }
    const taken = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(taken.length)
    return taken
  }

  async exactly (count: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let left = count; left > 0;) {
      const part = await this.some(left)
      parts.push(part)
      left -= part.length
    }
    return Buffer.concat(parts)
  }

  /** Reads to the end, where the checksum of the compression is compared. */
  async end (): Promise<void> {
    this.#rest = Buffer.alloc(0)
    while (!(await this.#pieces.next()).done) { /* Nothing is left to read. */ }
  }
}

const textAt = (block: Buffer, from: number, length: number) =>
  block.toString('utf8', from, from + length).split('\0')[0]!

/** Throws when the block is not the header of a member. */
function checkSum (block: Buffer): void {
  const given = Number.parseInt(textAt(block, 148, 8), 8)
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  if (given !== sum) throw new Error('a header has a wrong checksum')
}

/** The `path` and `size` of an extended header. */
function extendedIn (body: Buffer): { path?: string, size?: number } {
  const found: Record<string, string> = {}
  for (let at = 0; at < body.length;) {
    const length = Number.parseInt(body.toString('utf8', at, body.indexOf(' ', at)), 10)
    if (!(length > 0)) throw new Error('an extended header is damaged')
    const [, key = '', value = ''] = /^\d+ ([^=]+)=([^]*)\n$/.exec(body.toString('utf8', at, at + length)) ?? []
    found[key] = value
    at += length
  }
  return {
    ...found['path'] !== undefined && { path: found['path'] },
    ...found['size'] !== undefined && { size: Number(found['size']) }
  }
}

/** The members of an archive in the format of POSIX, in their order. Throws an Error that says what is damaged. */
export async function* tarMembers (pieces: AsyncIterable<Buffer>): AsyncGenerator<TarMember> {
  const bytes = new Bytes(pieces)
  let extended: ReturnType<typeof extendedIn> = {}
  for (;;) {
    const block = await bytes.exactly(BLOCK)
    if (block.every(byte => byte === 0)) return await bytes.end()
    checkSum(block)
    const type = String.fromCodePoint(block[156]!)
    const size = extended.size ?? Number.parseInt(textAt(block, 124, 12), 8)
    const prefix = textAt(block, 345, 155)
    const name = extended.path ?? `${prefix === '' ? '' : `${prefix}/`}${textAt(block, 0, 100)}`
    let left = size
    const body = (async function* () {
      for (; left > 0;) {
        const piece = await bytes.some(left)
        left -= piece.length
        yield piece
      }
    })()
    if (type === EXTENDED) {
      extended = extendedIn(await bytes.exactly(size))
      left = 0
    } else {
      extended = {}
      yield { name, size, type: TYPES[type] ?? 'other', mode: Number.parseInt(textAt(block, 100, 8), 8), body }
    }
    while (left > 0) left -= (await bytes.some(left)).length
    await bytes.exactly((BLOCK - size % BLOCK) % BLOCK)
  }
}

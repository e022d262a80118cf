import { bytesOfName, isRaw } from '../_files/names.ts'

export const BLOCK = 512

/** The kind of an entry. `hard` is another name of an earlier file. */
export type Kind = 'file' | 'hard' | 'link' | 'folder'
export const TYPES: Record<Kind, string> = { file: '0', hard: '1', link: '2', folder: '5' }

/** The header of an entry. Paths represent bytes (names.ts); `mtime` is in nanoseconds since 1970. */
export interface Header {
  path: string
  kind: Kind
  size: number
  mode: number
  uid: number
  gid: number
  mtime: bigint
  to?: string
}

const SECOND = 1_000_000_000n

/** Nanoseconds as seconds with a fraction: `-1.5`. */
export function secondsOf (ns: bigint): string {
  const [sign, size] = ns < 0n ? ['-', -ns] : ['', ns]
  const fraction = (size % SECOND).toString().padStart(9, '0').replace(/0+$/, '')
  return `${sign}${size / SECOND}${fraction === '' ? '' : `.${fraction}`}`
}

/** The nanoseconds of seconds with a fraction; null for any other text. */
export function nanosecondsOf (text: string): bigint | null {
  const [, sign, seconds, fraction = ''] = text.match(/^(-?)(\d{1,15})(?:\.(\d+))?$/) ?? []
  if (seconds === undefined) return null
  const size = BigInt(seconds) * SECOND + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
  return sign === '-' ? -size : size
}

const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`
const fits = (value: number, length: number) => Number.isSafeInteger(value) && value >= 0 && value < 8 ** (length - 1)

function block (
  header: Header,
  { path, to, mtime }: { path: Buffer, to: Buffer, mtime: number },
  type: string
): Buffer {
  const bytes = Buffer.alloc(BLOCK)
  const number = (value: number, { at, length }: { at: number, length: number }) =>
    bytes.write(octal(fits(value, length) ? value : 0, length), at, 'latin1')
  path.copy(bytes, 0, 0, 100)
  number(header.mode & 0o7777, { at: 100, length: 8 })
  number(header.uid, { at: 108, length: 8 })
  number(header.gid, { at: 116, length: 8 })
  number(header.size, { at: 124, length: 12 })
  number(mtime, { at: 136, length: 12 })
  bytes.fill(' ', 148, 156)
  bytes.write(type, 156, 'latin1')
  to.copy(bytes, 157, 0, 100)
  bytes.write('ustar\u000000', 257, 'latin1')
  bytes.write(`${bytes.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}

/** One record of an extended header; its length counts its own digits. */
function record (key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')])
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

const ascii = (bytes: Buffer) => bytes.every(byte => byte < 0x80)

/** The values that do not fit into the plain header (POSIX.1-2001, pax). */
function records (header: Header, { path, to, seconds }: { path: Buffer, to: Buffer, seconds: string }): Buffer[] {
  const texts = ([['path', path, header.path], ['linkpath', to, header.to ?? '']] as const)
    .filter(([, bytes, text]) => bytes.length > 100 || (!ascii(bytes) && !isRaw(text)))
  const raw = texts.some(([, , text]) => isRaw(text)) ? [record('hdrcharset', Buffer.from('BINARY'))] : []
  const numbers = ([['uid', header.uid, 8], ['gid', header.gid, 8], ['size', header.size, 12]] as const).filter((
    [, value, length]
  ) => !fits(value, length))
  return [
    ...raw,
    ...texts.map(([key, bytes]) => record(key, bytes)),
    ...numbers.map(([key, value]) => record(key, Buffer.from(String(value)))),
    ...(/^\d+$/.test(seconds) && fits(Number(seconds), 12) ? [] : [record('mtime', Buffer.from(seconds))])
  ]
}

/** The padding after an entry of `size` bytes. */
export const padding = (size: number): Buffer => Buffer.alloc((BLOCK - size % BLOCK) % BLOCK)

/** The end of a tar. */
export const END = Buffer.alloc(2 * BLOCK)

/** The header of an entry, after its extended header if it needs one. */
export function headerOf (header: Header): Buffer {
  const path = bytesOfName(header.kind === 'folder' ? `${header.path}/` : header.path)
  const to = bytesOfName(header.to ?? '')
  const seconds = secondsOf(header.mtime)
  const mtime = Math.max(0, Math.floor(Number(seconds)))
  const own = block(header, { path, to, mtime }, TYPES[header.kind])
  const more = Buffer.concat(records(header, { path, to, seconds }))
  if (more.length === 0) return own
  const about = { ...header, size: more.length, mode: 0o644, uid: 0, gid: 0 }
  return Buffer.concat([block(about, { path: Buffer.from('PaxHeader'), to: Buffer.alloc(0), mtime: 0 }, 'x'), more,
    padding(more.length), own])
}

import { endianness } from 'node:os'
import { readSync } from 'node:fs'

/** The index of a write-ahead log. Source: https://www.sqlite.org/walformat.html */
export interface WalIndex {
  /** The number of valid frames, and the minimum size of the log. */
  frames: number
  bytes: number
  pageSize: number
  salt: Buffer
  /** The checksum of the last valid frame. */
  sum: Buffer
  /** The number of frames that were copied to the database file. */
  copied: number
}

const HEADER = 32
const FRAME = 24
const INDEX = 100
const LITTLE = 0x377f0682
const BIG = 0x377f0683

const isLittle = endianness() === 'LE'

/** The index in this file, or null when it is not initialized or cannot be read. */
export function walIndexOf (handle: number): WalIndex | null {
  const bytes = Buffer.alloc(INDEX)
  try {
    if (readSync(handle, bytes, 0, INDEX, 0) < INDEX || bytes[12] !== 1) return null
  } catch {
    return null
  }
  const number = (at: number) => isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
  const size = isLittle ? bytes.readUInt16LE(14) : bytes.readUInt16BE(14)
  const [frames, pageSize] = [number(16), size === 1 ? 65536 : size]
  const salt = bytes.subarray(32, 40)
  const sum = Buffer.alloc(8)
  sum.writeUInt32BE(number(24), 0)
  sum.writeUInt32BE(number(28), 4)
  return {
    frames,
    pageSize,
    salt,
    sum,
    bytes: frames === 0 ? 0 : HEADER + frames * (FRAME + pageSize),
    copied: number(96)
  }
}

/** Adds bytes to a checksum of the log, in the byte order that its header names. */
function added (sum: readonly [number, number], view: DataView, little: boolean): [number, number] {
  let [first, second] = sum
  for (let at = 0; at < view.byteLength; at += 8) {
    first = (first + view.getUint32(at, little) + second) >>> 0
    second = (second + view.getUint32(at + 4, little) + first) >>> 0
  }
  return [first, second]
}

const viewOf = (bytes: Buffer, from: number, until: number): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset + from, until - from)

/** Whether a checkpoint wrote to the database file between two reads of the index. A log that was copied completely is
 *  restarted without a checkpoint, with its first salt increased by one. */
export function hasCopied (before: WalIndex, now: WalIndex): boolean {
  if (now.salt.equals(before.salt)) return now.copied !== before.copied
  const isNext = now.salt.readUInt32BE(0) === (before.salt.readUInt32BE(0) + 1) >>> 0
  return !(isNext && before.copied === before.frames && now.copied === 0)
}

const isMagic = (magic: number): boolean => magic === LITTLE || magic === BIG

/** Whether the log has the header of its index and, while it is valid, the last frame that was seen. False for a log
 *  that was cut short and has grown again. */
export function isThere (handle: number, index: WalIndex, seen: WalIndex | null): boolean {
  if (index.frames === 0) return true
  const header = Buffer.alloc(HEADER)
  readSync(handle, header, 0, HEADER, 0)
  if (!isMagic(header.readUInt32BE(0)) || !header.subarray(16, 24).equals(index.salt)) return false
  if (seen === null || seen.frames === 0 || !seen.salt.equals(index.salt)) return true
  const frame = Buffer.alloc(FRAME + seen.pageSize)
  const at = HEADER + (seen.frames - 1) * frame.length
  const before = Buffer.alloc(8)
  readSync(handle, before, 0, 8, seen.frames === 1 ? FRAME : at - frame.length + 16)
  readSync(handle, frame, 0, frame.length, at)
  const sum = chained([before.readUInt32BE(0), before.readUInt32BE(4)], frame, header.readUInt32BE(0) === LITTLE)
  return sum[0] === seen.sum.readUInt32BE(0) && sum[1] === seen.sum.readUInt32BE(4)
}

/** The checksum up to a frame; `sum`: the checksum up to the frame before. */
const chained = (sum: readonly [number, number], frame: Buffer, little: boolean): [number, number] =>
  added(added(sum, viewOf(frame, 0, 8), little), viewOf(frame, FRAME, frame.length), little)

/** Whether the checksums of the whole log agree with its index. */
export function isWhole (handle: number, index: WalIndex): boolean {
  if (index.frames === 0) return true
  const header = Buffer.alloc(HEADER)
  readSync(handle, header, 0, HEADER, 0)
  const magic = header.readUInt32BE(0)
  if (!isMagic(magic) || !header.subarray(16, 24).equals(index.salt)) return false
  const frame = Buffer.alloc(FRAME + index.pageSize)
  let sum = added([0, 0], viewOf(header, 0, FRAME), magic === LITTLE)
  for (let place = 0; place < index.frames; place++) {
    readSync(handle, frame, 0, frame.length, HEADER + place * frame.length)
    sum = chained(sum, frame, magic === LITTLE)
    if (frame.readUInt32BE(16) !== sum[0] || frame.readUInt32BE(20) !== sum[1]) return false
  }
  return frame.subarray(16, 24).equals(index.sum)
}

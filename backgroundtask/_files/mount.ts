import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, realpath } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Type } from 'typebox'
import type { TaskContext } from '../../core/index.ts'
import { Folder } from './folder.ts'
import { readWhole, writeWhole } from './whole.ts'
import { shown } from './names.ts'
import { ownOf } from './own.ts'

/** The disk that a path belongs to is not there. Another attempt may find it. */
export class NotMounted extends Error {
  override readonly name = 'NotMounted'
}

/** `true`: the path lies on a mounted disk, not on that of the system. Paths: these are mount points. `false`: nothing
 *  is looked at. Left out: what the system's table of disks and the last run say. */
type RequireMount = boolean | string | string[] | undefined

/** The setting of it. */
export const RequireMountSchema = Type.Optional(Type.Unsafe<boolean | string | string[]>({
  type: ['boolean', 'string', 'array'],
  items: { type: 'string', minLength: 1 },
  description: 'Mount points without which nothing is done; true: the target is not on the disk of the system',
  configured: true
}))

// The kernel and fstab write blanks as octal.
const unescape = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))

const field = async (file: string, index: number) => {
  const text = await readFile(file, 'utf8').catch(() => '')
  const lines = text.split('\n').filter(line => line.trim() !== '' && !line.trimStart().startsWith('#'))
  return lines.map(line => unescape(line.trim().split(/\s+/)[index] ?? '')).filter(path => path.startsWith('/'))
}

/** What is mounted and what is meant to be. */
interface Mounts {
  points: ReadonlySet<string>
  meant: readonly string[]
}

async function mountsNow (): Promise<Mounts> {
  const [points, meant] = await Promise.all([field('/proc/self/mountinfo', 4), field('/etc/fstab', 1)])
  return { points: new Set(points), meant: meant.filter(path => path !== '/') }
}

const above = (path: string): string[] => {
  const all = [path]
  for (let at = path; dirname(at) !== at; at = dirname(at)) all.push(dirname(at))
  return all
}

/** The mount point that a real path lies below. */
export const pointOf = (path: string, { points }: Mounts): string => above(path).find(one => points.has(one)) ?? '/'

/** A path with what is there of it resolved. */
async function realPlace (path: string): Promise<string> {
  for (const one of above(resolve(path))) {
    const real = await realpath(one).catch(() => null)
    if (real !== null) return join(real, resolve(path).slice(one.length))
  }
  return resolve(path)
}

const FOR_DISKS = /^\/(mnt|Volumes|media(\/[^/]+)?|run\/media\/[^/]+)\/[^/]+$/

/** The folder that a disk belongs to, empty as it is while the disk is away. */
async function emptyPoint (place: string, mounts: Mounts): Promise<string | null> {
  for (const one of above(place)) {
    if (!FOR_DISKS.test(one) || mounts.points.has(one)) continue
    const names = await readdir(one).catch(() => null)
    if (names?.length === 0) return one
  }
  return null
}

const remember = (key: string) => `${createHash('sha256').update(key).digest('hex').slice(0, 24)}.json`

type Ctx = Pick<TaskContext, 'services' | 'task'>

/** Where it is kept on which disks the last runs were. */
const memoryOf = async (ctx: Ctx) => join((await ownOf(ctx)).data, 'disks')
const keyFor = ({ task }: Ctx, path: string) => `${task} ${resolve(path)}`

async function lastPoint (ctx: Ctx, key: string): Promise<string | null> {
  const folder = await Folder.open(await memoryOf(ctx)).catch(() => null)
  if (folder === null) return null
  try {
    const known = JSON.parse(await readWhole(folder, remember(key)) ?? 'null') as { point?: unknown } | null
    return typeof known?.point === 'string' ? known.point : null
  } catch {
    return null
  } finally {
    await folder.close()
  }
}

/** Notes the disk that a path is on, for the next run. */
export async function noteDisk (ctx: Ctx, path: string): Promise<void> {
  const point = pointOf(await realPlace(path), await mountsNow())
  const key = keyFor(ctx, path)
  if (point === '/' && await lastPoint(ctx, key) === null) return
  const memory = await memoryOf(ctx)
  await mkdir(memory, { recursive: true, mode: 0o700 })
  const folder = await Folder.open(memory)
  try {
    await writeWhole(folder, remember(key), JSON.stringify({ point, path: resolve(path), task: ctx.task }))
  } finally {
    await folder.close()
  }
}

const HINT = 'mount it, or set require_mount to false if the folder is meant'

/** Throws NotMounted when the disk of a path is not there: what is written would land on the disk below. */
export async function checkDisk (
  ctx: Ctx,
  path: string,
  { require, mounts }: { require: RequireMount, mounts?: Mounts }
): Promise<void> {
  if (require === false) return
  const now = mounts ?? await mountsNow()
  const place = await realPlace(path)
  const point = pointOf(place, now)
  const refuse = (why: string): never => {
    throw new NotMounted(`'${shown(path)}' is not written or read: ${why}`)
  }
  if (require !== undefined && now.points.size === 0) {
    refuse('require_mount is set, and this system does not say what is mounted')
  }
  if (require === true && point === '/') {
    refuse('it is on the disk of the system, and require_mount is true: is its own disk mounted?')
  }
  for (const one of require === true || require === undefined ? [] : [require].flat()) {
    if (!now.points.has(await realPlace(one))) {
      refuse(`require_mount names '${shown(one)}', and nothing is mounted there`)
    }
  }
  const missing = now.meant.find(one => above(place).includes(one) && !now.points.has(one))
  if (missing !== undefined) refuse(`'${shown(missing)}' is in /etc/fstab, and nothing is mounted there; ${HINT}`)
  const last = await lastPoint(ctx, keyFor(ctx, path))
  if (last !== null && !now.points.has(last) && above(place).includes(last)) {
    refuse(`at the last run it was on the disk at '${shown(last)}', and nothing is mounted there; ${HINT}`)
  }
  const empty = await emptyPoint(place, now)
  if (empty !== null) refuse(`'${shown(empty)}' is an empty folder and nothing is mounted there; ${HINT}`)
}

/** The same for the source and the target of a run; `true` is about the target. */
export async function checkDisks (ctx: Ctx, [source, target]: [string, string], require: RequireMount): Promise<void> {
  await checkDisk(ctx, source, { require: require === true ? undefined : require })
  await checkDisk(ctx, target, { require })
}

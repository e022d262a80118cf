import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, realpath } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Type } from 'typebox'
import type { TaskContext } from '../../core/index.ts'
import { Folder } from './folder.ts'
import { readWhole, writeWhole } from './whole.ts'
import { shown } from './names.ts'
import { ownOf } from './own.ts'

/** The disk of a path is not mounted. The run is retried. */
export class NotMounted extends Error {
  override readonly name = 'NotMounted'
}

/** `true`: the path must not be on the system disk. Paths: these must be mount points. `false`: no check. undefined:
 *  checks /etc/fstab and the disk of the last run. */
type RequireMount = boolean | string | string[] | undefined

/** The schema of the setting `require_mount`. */
export const RequireMountSchema = Type.Optional(Type.Unsafe<boolean | string | string[]>({
  type: ['boolean', 'string', 'array'],
  items: { type: 'string', minLength: 1 },
  description: 'Mount points that must be mounted; true: the target must not be on the system disk',
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

/** The mount points, and those that /etc/fstab lists. */
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

/** A path whose existing part is resolved. */
async function realPlace (path: string): Promise<string> {
  for (const one of above(resolve(path))) {
    const real = await realpath(one).catch(() => null)
    if (real !== null) return join(real, resolve(path).slice(one.length))
  }
  return resolve(path)
}

const FOR_DISKS = /^\/(mnt|Volumes|media(\/[^/]+)?|run\/media\/[^/]+)\/[^/]+$/

/** The empty folder of a disk that is not mounted, or null. */
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

/** The folder that stores the disks of the last runs. */
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

/** Stores the disk of a path for the next run. */
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

const HINT = 'mount it, or set require_mount to false if the folder is intended'

/** Throws NotMounted when the disk of a path is not mounted, and files would be written to the disk below it. */
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
    throw new NotMounted(`'${shown(path)}' is not used: ${why}`)
  }
  if (require !== undefined && now.points.size === 0) {
    refuse('require_mount is set, and this system does not report mounts')
  }
  if (require === true && point === '/') {
    refuse('it is on the system disk, and require_mount is true: is its own disk mounted?')
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

/** Checks the disks of the source and the target of a run. `true` applies to the target only. */
export async function checkDisks (ctx: Ctx, [source, target]: [string, string], require: RequireMount): Promise<void> {
  await checkDisk(ctx, source, { require: require === true ? undefined : require })
  await checkDisk(ctx, target, { require })
}

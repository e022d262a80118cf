import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { askServer, serverFacts, tokenFacts } from './gather-server.ts'
import { createManager } from '../../manager.ts'
import { directoriesOf } from '../../load/task/directories.ts'
import { defaultsOf } from '../../model/config/config.ts'
import { diskFacts, isSynchronised, nodeFacts, processFacts } from './gather-machine.ts'
import { faultsOf } from '../local/validate.ts'
import { permissions, taskFacts, watchFacts } from './gather-folder.ts'
import { ignoredFiles } from '../local/ignored-files.ts'
import { homeOptions } from '../local/home.ts'
import { milliseconds } from '../../model/base/duration.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { overlayFile } from '../../load/config/config.ts'
import { peekRuns } from '../../engine/sqlite/file/peek-runs.ts'
import { quickFolder } from '../../load/config/quick-folder.ts'
import { Senses } from '../../sense/senses.ts'
import { systemClock } from '../../model/base/clock.ts'
import type { Answer } from './gather-server.ts'
import type { Config } from '../../model/config/config.ts'
import type { Fault } from '../local/validate.ts'
import type { Facts, SensorFacts, TaskFacts } from './facts.ts'
import type { ManagerOptions, TaskManager } from '../../manager.ts'
import type { RemoteOptions } from '../remote/options.ts'

/** What the folder of the user says. The values of a refused configuration are the defaults. */
interface Home {
  root: string
  folder: string
  /** The tasks directories. */
  directories: string[]
  config: Config
  faults: Fault[]
  tasks: TaskFacts | null
  security: { message: string, fix: string | null }[]
}

async function factsOf (manager: TaskManager): Promise<Home> {
  const { root, folder, config, catalog, security } = manager
  await catalog.start()
  try {
    await security.look()
    return {
      root,
      folder,
      directories: catalog.directories,
      config,
      faults: manager.settings.lastError instanceof OffpeakError ? await faultsOf(manager.settings.lastError) : [],
      tasks: await taskFacts(manager),
      security: [...security.findings]
    }
  } finally {
    await catalog.stop()
  }
}

async function homeOf (options: ManagerOptions): Promise<Home> {
  try {
    return await factsOf(await createManager({ ...options, files: 'once' }))
  } catch (error) {
    if (!(error instanceof OffpeakError)) throw error
    const file = options.configFile!
    const root = dirname(file)
    const config = defaultsOf(Temporal.Now.timeZoneId())
    const named = await quickFolder({ file, environment: options.environment, env: options.env! })
    return {
      root,
      config,
      folder: resolve(root, named ?? config.engine.folder),
      directories: directoriesOf(config, root).map(({ path }) => path),
      faults: await faultsOf(error),
      tasks: null,
      security: []
    }
  }
}

/** The overlay that is named and does not exist, or null. */
function missingOverlay ({ configFile, environment, env }: ManagerOptions): string | null {
  try {
    const file = overlayFile({ file: configFile!, environment, env })
    return file === null || existsSync(file) ? null : file
  } catch {
    return null
  }
}

/** A server whose address a refused configuration hides is looked for at the default address. */
const asked = async (given: RemoteOptions, config: Config): Promise<Answer> =>
  await askServer(given).catch(() => ({
    url: `http://${config.server.host}:${config.server.port}`,
    answer: 'no' as const,
    accepted: null,
    health: null,
    pauses: []
  }))

/** The sensors that fail: those of the server, or else of this process. */
async function sensorFacts ({ health }: Answer, config: Config): Promise<SensorFacts[]> {
  const known = health?.sensors?.troubles
  if (known !== undefined) return known.map(one => ({ ...one, since: Date.parse(one.since) }))
  // Samples are stored: those of this process do not belong into the data folder.
  const folder = await mkdtemp(join(tmpdir(), 'offpeak-doctor-')).catch(() => null)
  // Without a folder for temporary files nothing is sampled.
  if (folder === null) return []
  const senses = new Senses({ clock: systemClock, config: () => config, folder })
  try {
    await senses.sample()
    return senses.troubles()
  } finally {
    await senses.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** What a folder says of its runs; null if it has no database, or one that cannot be read. */
function runsIn (folder: string, now: number) {
  try {
    return peekRuns(folder, now)
  } catch {
    return null
  }
}

/** The facts about these runs; about none if the store could not be read. */
const runsAt = (seen: ReturnType<typeof runsIn>, now: number) => ({
  now,
  due: seen?.due ?? 0,
  oldestDue: seen?.oldestDue ?? null,
  lastStart: seen?.lastStart ?? null
})

/** True when a server is named: then only that one is asked. */
const isNamed = ({ url, context }: RemoteOptions, env: NodeJS.ProcessEnv): boolean =>
  (url ?? env.OFFPEAK_URL) !== undefined || Boolean(context ?? env.OFFPEAK_CONTEXT)

/** The facts about a server that is named, which may be of another machine. */
async function remoteFacts (given: RemoteOptions, now: number): Promise<Facts> {
  const { url, answer, accepted, health, pauses } = await askServer(given)
  const absent = {
    clock: null,
    zone: null,
    disk: null,
    permissions: null,
    watches: null,
    config: null,
    tasks: null,
    process: null
  }
  return {
    ...absent,
    node: nodeFacts(),
    ignored: [],
    server: {
      url,
      answer,
      health,
      named: true,
      pid: null,
      alive: false,
      owner: null,
      used: true,
      port: null,
      configured: null
    },
    token: answer === 'yes' ? { file: null, state: 'fine', accepted, used: true, expired: [] } : null,
    sensors: [],
    runs: answer === 'yes' ? { ...runsAt(null, now), spanMs: 0, pauses } : null
  }
}

/** Gathers everything. With a URL or a context, only what the server answers. */
export async function gather (
  given: RemoteOptions,
  { now, env }: { now: number, env: NodeJS.ProcessEnv }
): Promise<Facts> {
  if (isNamed(given, env)) return await remoteFacts(given, now)
  const options = homeOptions(given, env)
  const home = await homeOf(options)
  const { root, folder, directories, config } = home
  const [answer, allowed, synchronised] = await Promise.all([asked(given, config),
    permissions({ folder, directories, config: options.configFile! }), isSynchronised()])
  const { skewMs, ...denied } = allowed
  const server = await serverFacts(answer, { folder, server: home.tasks === null ? null : config.server })
  const seen = runsIn(folder, now)
  return {
    node: nodeFacts(),
    clock: { now, synchronised, skewMs, newest: seen?.newest ?? null },
    zone: { given: env.TZ ?? null, process: Temporal.Now.timeZoneId(), tasks: config.manager.timezone },
    disk: await diskFacts(existsSync(folder) ? folder : root, config.resources.disk_reserve),
    permissions: { ...denied, security: home.security },
    watches: await watchFacts(directories),
    config: {
      file: options.configFile!,
      exists: existsSync(options.configFile!),
      faults: home.faults,
      overlay: missingOverlay(options)
    },
    tasks: home.tasks,
    ignored: (await Promise.all(directories.map(ignoredFiles))).flat(),
    server,
    token: await tokenFacts({ folder, root, server: config.server, env, accepted: answer.accepted, now }),
    sensors: await sensorFacts(answer, config),
    runs: { ...runsAt(seen, now), spanMs: milliseconds(config.scheduling.nothing_started), pauses: answer.pauses },
    process: server.alive && answer.answer === 'yes' ? await processFacts(server.pid!) : null
  }
}

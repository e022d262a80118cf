import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { configFaults, configOf } from '../../model/config/config.ts'
import { Lifecycle } from '../../model/base/service.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { configInvalid, configOverridden } from '../../model/errors/config-errors.ts'
import { pointerOf } from '../../model/base/check.ts'
import { expiryFaults } from '../../model/config/sense-faults.ts'
import { RESPONSE_MS, isWithin } from '../../load/file/responds.ts'
import { editConfig } from '../../load/config/edit.ts'
import { loadConfig } from '../../load/config/config.ts'
import { removeTemporary } from '../../load/file/atomic-write.ts'
import { WATCH_AFTER, watchConfig } from '../../load/config/watch.ts'
import type { Config, ConfigFile } from '../../model/config/config.ts'
import type { ConfigEdit } from '../../load/config/edit.ts'
import type { ConfigWatch } from '../../load/config/watch.ts'
import type { Listener } from '../../model/notice.ts'
import type { LoadedConfig } from '../../load/config/config.ts'
import type { Place } from '../../model/errors/errors.ts'
import type { Service } from '../../model/base/service.ts'

export interface SettingsOptions {
  config?: ConfigFile | undefined
  configFile?: string | undefined
  environment?: string | undefined
  env?: NodeJS.ProcessEnv | undefined
  root?: string | undefined
  /** `watch`: a changed file takes effect while the manager runs. */
  files?: 'watch' | 'once' | 'none' | undefined
}

/** The configuration in force: the last good one, and the error of a later one. */
export class Settings implements Service {
  readonly root: string
  readonly file: string | null
  readonly #options: SettingsOptions
  #loaded: LoadedConfig | null
  #code: Config | null
  #watch: ConfigWatch | null = null
  /** Set when other users could change the file that was read at the start. */
  #exposed: OffpeakError | null
  /** Why the current file is not in force, or null. */
  lastError: Error | null = null
  /** The configuration at the start, with the settings that are read only then. */
  readonly begun: Config
  notice: Listener = () => undefined
  /** Called when the configuration has changed. */
  changed: () => void = () => undefined
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })

  private constructor (options: SettingsOptions, loaded: LoadedConfig | null, exposed: OffpeakError | null) {
    this.#options = options
    this.#loaded = loaded
    this.#exposed = exposed
    this.lastError = exposed
    this.#code = loaded === null ? codeConfig(options.config ?? {}) : null
    this.begun = this.config
    this.file = options.configFile === undefined ? null : resolve(options.configFile)
    this.root = resolve(options.root ?? (this.file === null ? process.cwd() : dirname(this.file)))
  }

  /** Reads the configuration; throws OFFPEAK_CONFIG_INVALID. A file that other users can change is used, but no task
   *  files are loaded: see `exposed`. */
  static async read (options: SettingsOptions): Promise<Settings> {
    if (options.configFile === undefined) return new Settings(options, null, null)
    const ask = askOf(options)
    try {
      return new Settings(options, await loadConfig(ask), null)
    } catch (error) {
      if (!isExposed(error)) throw error
      return new Settings(options, await loadConfig({ ...ask, trust: undefined }), error)
    }
  }

  /** Why no task files may be loaded: other users could have changed the configuration file. Null after a valid file
   *  was read again. */
  get exposed (): OffpeakError | null {
    return this.#exposed
  }

  get config (): Config {
    return (this.#loaded?.config ?? this.#code)!
  }

  /** The ETag of the bytes of the file, or null without a file. */
  get etag (): string | null {
    return this.#loaded?.etag ?? null
  }

  get files (): string[] {
    return this.#loaded?.files ?? []
  }

  /** The overlay of the environment, or null without an environment. */
  get overlay (): LoadedConfig['overlay'] {
    return this.#loaded?.overlay ?? null
  }

  /** Where a setting was written, or null for a default. */
  placeOf (pointer: string): Place | null {
    return this.#loaded?.sources.lineOf(pointer) ?? null
  }

  /** True while changes of the file are followed. */
  get isWatching (): boolean {
    return this.#watch?.isWatching === true
  }

  start (): Promise<void> {
    return this.#life.start()
  }

  stop (): Promise<void> {
    return this.#life.stop()
  }

  async #start (): Promise<void> {
    if (this.#loaded === null) return
    await Promise.all(this.#loaded.files.map(removeTemporary))
    if (this.#exposed !== null) this.notice({ kind: 'config_refused', message: this.#exposed.message })
    this.#watch = watchConfig({
      ...askOf(this.#options),
      // A refused file is reported when it is accepted.
      current: this.#exposed === null ? this.#loaded : undefined,
      watchAfterMs: WATCH_AFTER,
      onChange: loaded => {
        this.#take(loaded)
        this.changed()
      },
      onError: error => this.#refuse(error)
    })
    if (this.#options.files !== 'once') await this.#watch.start()
  }

  async #stop (): Promise<void> {
    if (this.#watch !== null) await isWithin(RESPONSE_MS, this.#watch.stop())
    this.#watch = null
  }

  /** Reads the files now. */
  async rescan (): Promise<void> {
    await this.#watch?.rescan()
  }

  /** Edits the file and keeps its comments. Resolves to the new ETag when the change is in force. */
  async edit (edits: ConfigEdit[], ifMatch?: string): Promise<string> {
    if (this.file === null) {
      throw configInvalid({
        message: 'There is no config.json to write to: the settings are given in code',
        fix: 'Start with a configFile, or change the task in code.'
      })
    }
    if (this.files.includes(this.file) && !existsSync(this.file)) {
      throw configInvalid({
        file: this.file,
        message: `The configuration ${this.file} was deleted`,
        fix: 'Restore it, and repeat the change.'
      })
    }
    edits.forEach(edit => this.#refuseOverridden(edit))
    const { etag } = await editConfig({ file: this.file, edits, ...ifMatch === undefined ? {} : { ifMatch } })
    await this.rescan()
    return etag
  }

  /** A change that an overlay or a variable would defeat must not look done. */
  #refuseOverridden ({ path, value }: ConfigEdit): void {
    const place = this.placeOf(pointerOf(path))
    if (place === null || place.file === this.file || isDeepStrictEqual(valueAt(this.config, path), value)) return
    throw configOverridden({ setting: path.join('.'), place })
  }

  #take (loaded: LoadedConfig): void {
    this.#loaded = loaded
    this.#exposed = null
    this.lastError = null
    this.notice({ kind: 'config_loaded', file: loaded.files.join(', ') })
  }

  #refuse (error: unknown): void {
    this.lastError = error instanceof Error ? error : new Error(String(error))
    this.notice({ kind: 'config_refused', message: this.lastError.message })
  }
}

const valueAt = (config: object, path: ConfigEdit['path']): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], config)

const askOf = ({ config, configFile, environment, env }: SettingsOptions) => ({
  file: configFile!,
  environment,
  env: env ?? process.env,
  base: config,
  trust: 'required' as const
})

const isExposed = (error: unknown): error is OffpeakError =>
  error instanceof OffpeakError && error.code === 'OFFPEAK_CONFIG_EXPOSED'

function codeConfig (config: ConfigFile): Config {
  const errors = configFaults(config)
  const whole = errors.length > 0 ? null : configOf(config, Temporal.Now.timeZoneId())
  if (whole !== null) errors.push(...expiryFaults(whole))
  if (whole === null || errors.length > 0) {
    throw configInvalid({
      message: `The configuration given in code: ${errors[0]!.pointer} ${errors[0]!.detail}`,
      errors
    })
  }
  return whole
}

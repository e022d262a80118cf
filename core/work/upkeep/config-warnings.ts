import { basename } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { pointerOf } from '../../model/base/check.ts'
import { BUILT_IN_IDS, isBuiltIn, isBuiltInId, sectionOf, settingsKey } from '../../model/task/built-in.ts'
import { nearest } from '../../model/base/nearest.ts'
import { taskUnconfigured } from '../../model/errors/task-errors.ts'
import { unconfigured } from '../../model/task/payload-bounds.ts'
import { placeWords } from '../../model/errors/errors.ts'
import type { Catalog } from './catalog.ts'
import type { Config } from '../../model/config/config.ts'
import type { Listener } from '../../model/notice.ts'
import type { Place } from '../../model/errors/errors.ts'
import type { Settings } from './settings.ts'

/** A setting that is valid and has no effect. */
export interface ConfigWarning extends Place {
  code: 'unknown_task' | 'not_set_up' | 'builtin_replaced' | 'no_effect' | 'restart_needed' | 'no_overlay'
  message: string
  fix: string
}

interface ConfigWarningsOptions {
  settings: Pick<Settings, 'config' | 'begun' | 'overlay' | 'exposed' | 'placeOf'>
  catalog: Pick<Catalog, 'tasks' | 'coming' | 'broken'>
  notice: Listener
}

/** Settings that are read only at the start. */
const AT_START: [section: 'server' | 'engine' | 'log', keys: readonly string[]][] = [
  ['server', ['host', 'port', 'docs', 'token_file', 'trust_proxy']],
  ['engine', ['folder', 'synchronous']],
  ['log', ['level', 'redact']]
]

/** Warns of settings without effect: each is a notice once, and stays in `current` until it is corrected. */
export class ConfigWarnings {
  readonly #options: ConfigWarningsOptions
  #known = new Set<string>()
  #isOn = false

  constructor (options: ConfigWarningsOptions) {
    this.#options = options
  }

  /** The warnings about the configuration in force. */
  get current (): ConfigWarning[] {
    return [...this.#unknown(), ...this.#builtIn(), ...this.#unset(), ...this.#directories(), ...this.#unread(),
      ...this.#overlay()]
  }

  /** Reports from now on. */
  begin (): void {
    this.#isOn = true
    this.look()
  }

  /** Reports the warnings that are new. */
  look (): void {
    if (!this.#isOn) return
    const { current } = this
    for (const { code, message, fix, ...place } of current) {
      if (this.#known.has(message)) continue
      const where = placeWords(place)
      this.#options.notice({ kind: 'config_warning', code, message: `${where && `${where}: `}${message}`, fix })
    }
    this.#known = new Set(current.map(({ message }) => message))
  }

  /** Sections for tasks that do not exist. Files that are still imported may define them. */
  #unknown (): ConfigWarning[] {
    const { settings, catalog: { tasks, coming, broken } } = this.#options
    if (coming.length > 0 || settings.exposed !== null) return []
    return Object.keys(settings.config.tasks).filter(id => !tasks.has(id)).map(id => {
      const near = nearest(id, [...tasks.keys()])
      return {
        code: 'unknown_task',
        message: isBuiltInId(id) ? `The built-in task '${id}' is off` : `No task has the id '${id}'`,
        fix: isBuiltInId(id)
          ? "Move the section from 'tasks' to 'builtin', which turns the task on."
          : near === null
          ? broken.length > 0
            ? 'It may be in a broken file; otherwise remove the section.'
            : 'Remove the section, or restore the task file.'
          : `Did you mean '${near}'?`,
        ...settings.placeOf(pointerOf(['tasks', id]))
      }
    })
  }

  /** Sections for built-in tasks that do not exist, or that a definition of the user replaces. */
  #builtIn (): ConfigWarning[] {
    const { settings, catalog: { tasks } } = this.#options
    return Object.keys(settings.config.builtin).flatMap((id): ConfigWarning[] => {
      const place = settings.placeOf(pointerOf(['builtin', id]))
      const own = tasks.get(id)
      if (isBuiltInId(id) && (own === undefined || isBuiltIn(own.source))) return []
      if (own !== undefined) {
        return [{
          code: 'builtin_replaced',
          message: `builtin.${id} has no effect: ${own.source} defines the task`,
          fix: `Write its settings below tasks.${id}, or give that task another id.`,
          ...place
        }]
      }
      const near = nearest(id, BUILT_IN_IDS)
      return [{
        code: 'unknown_task',
        message: `No built-in task has the id '${id}'`,
        fix: near === null
          ? 'Remove the section; `offpeak tasks --all` lists the built-in tasks.'
          : `Did you mean '${near}'?`,
        ...place
      }]
    })
  }

  /** Enabled tasks without a setting that their runs need. */
  #unset (): ConfigWarning[] {
    const { settings, catalog: { tasks } } = this.#options
    return [...tasks.values()].filter(({ enabled }) => enabled).flatMap((task): ConfigWarning[] => {
      const lacks = unconfigured(task.input, task.payload)
      if (lacks.length === 0) return []
      const { message, place: { pointer } } = taskUnconfigured(settingsKey(task), lacks)
      const at = pointerOf([sectionOf(task.source), task.id])
      const written = settings.placeOf(`${at}/payload`) ?? settings.placeOf(at) ?? { file: task.source }
      return [{
        code: 'not_set_up',
        message,
        fix: 'Set it in config.json: until then its runs do nothing.',
        ...written,
        pointer
      }]
    })
  }

  /** One of the two settings of the tasks directories, which the other overrides. */
  #directories (): ConfigWarning[] {
    const { settings } = this.#options
    const place = settings.placeOf('/manager/tasks_directory')
    if (settings.config.manager.tasks_directories === undefined || place === null) return []
    return [{
      code: 'no_effect',
      message: 'manager.tasks_directory has no effect beside manager.tasks_directories',
      fix: 'Remove it, or add its folder to the list.',
      ...place
    }]
  }

  /** Settings that have changed since the start, which read them. */
  #unread (): ConfigWarning[] {
    const { settings } = this.#options
    const valueOf = (config: Config, section: typeof AT_START[number][0], key: string) =>
      (config[section] as Record<string, unknown>)[key]
    return AT_START.flatMap(([section, keys]) =>
      keys.flatMap(key => {
        const [before, now] = [settings.begun, settings.config].map(config => valueOf(config, section, key))
        if (isDeepStrictEqual(before, now)) return []
        return [{
          code: 'restart_needed' as const,
          message: `${section}.${key} is now ${JSON.stringify(now)}, and ${JSON.stringify(before)} is in force`,
          fix: 'Restart offpeak: it is read only at the start.',
          ...settings.placeOf(pointerOf([section, key]))
        }]
      })
    )
  }

  /** An environment without a file: probably misspelt. */
  #overlay (): ConfigWarning[] {
    const { overlay } = this.#options.settings
    if (overlay === null || overlay.exists) return []
    const near = nearest(overlay.name, overlay.others)
    return [{
      code: 'no_overlay',
      message: `The environment is '${overlay.name}', and there is no ${basename(overlay.file)}`,
      fix: near === null ? 'Correct OFFPEAK_ENV or --env, or create the file.' : `Did you mean '${near}'?`
    }]
  }
}

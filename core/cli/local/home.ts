import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ManagerOptions } from '../../manager.ts'
import type { LocalOptions } from '../remote/options.ts'
import { announce } from '../remote/announce.ts'
import { configAbove } from '../remote/elsewhere.ts'
import { managerOptions } from '../remote/options.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

type Env = NodeJS.ProcessEnv

const OWN = ['config.json', 'backgroundtask', 'data/server.json']

/** The configuration of the nearest folder above with tasks; null when one is named, or the current folder has its
 *  own, or no folder above has tasks. */
function fileAbove ({ config, data }: LocalOptions, env: Env): string | null {
  const isNamed = [config, data, env.OFFPEAK_CONFIG].some(Boolean)
  return isNamed || OWN.some(name => existsSync(name)) ? null : configAbove()
}

/** The options of a manager for the current folder or, if that has neither a configuration nor tasks, for the nearest
 *  folder above that has tasks, which it says. */
export function homeOptions (given: LocalOptions, env: Env = process.env): ManagerOptions {
  const above = fileAbove(given, env)
  if (above === null) return managerOptions(given, env)
  announce(`offpeak: using the folder ${dirname(above)}`)
  return managerOptions(given, env, above)
}

/** True for a variable that sets something of the configuration. */
const isSetting = (name: string) => /^OFFPEAK_(?:DATA|CONFIG|ENV)(?:_FILE)?$|^OFFPEAK_[A-Z_]+?__/.test(name)

/** The same, and throws OFFPEAK_USAGE_INVALID outside of any such folder: what is started or written there would be in
 *  the wrong place. */
export function homeOnly (given: LocalOptions, env: Env = process.env): ManagerOptions {
  const isNamed = given.config !== undefined || given.data !== undefined || given.env !== undefined ||
    Object.keys(env).some(isSetting)
  if (!isNamed && !OWN.some(name => existsSync(name)) && configAbove() === null) {
    throw usageInvalid(
      `${process.cwd()} has neither a config.json nor a folder backgroundtask, and no folder above does`,
      'Make a folder of tasks with `offpeak init`, go to yours, or name its configuration with --config.'
    )
  }
  return homeOptions(given, env)
}

import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT, blocksOf } from './blocks.ts'

const PACKAGES = ['@types', 'fastify', 'fastify-plugin', 'tap', 'typebox']
const BUILT_IN = [
  'heartbeat.ts',
  'check_system.ts',
  'process_file.ts',
  'sync_folder.ts',
  '_task/settings.ts',
  '_sync',
  '_net/web.ts',
  '_net/address.ts',
  '_files'
]

// The clone's own may have been edited.
const CONFIG = '{\n  // Any field of a task, by its id.\n  "tasks": {}\n}\n'

export function put (folder: string, name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true })
  writeFileSync(join(folder, name), text)
}

/** A folder as a reader has it who has come this far: a clone with the README's first task, and `../offpeak` beside
 *  it. */
export function makePlace (parent: string): string {
  const home = join(parent, 'home')
  mkdirSync(join(home, 'node_modules'), { recursive: true })
  symlinkSync(ROOT, join(parent, 'offpeak'))
  for (const name of ['core', 'deploy']) symlinkSync(join(ROOT, name), join(home, name))
  for (const name of PACKAGES) symlinkSync(join(ROOT, 'node_modules', name), join(home, 'node_modules', name))
  symlinkSync(ROOT, join(home, 'node_modules/offpeak'))
  put(home, 'package.json', '{ "type": "module" }\n')
  put(home, 'config.json', CONFIG)
  for (const name of BUILT_IN) {
    cpSync(join(ROOT, 'backgroundtask', name), join(home, 'backgroundtask', name), { recursive: true })
  }
  const hello = blocksOf('README.md').find(({ file }) => file === 'backgroundtask/hello.ts')!
  put(home, hello.file!, hello.text)
  return home
}

import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { shown } from './names.ts'
import { PathRefused } from './root.ts'

/** The variables that are expanded in a path. Others may be secret, and messages show paths. */
const KNOWN = /^(HOME|USER|LOGNAME|TMPDIR|XDG_[A-Z]+_(HOME|DIR))$/

interface Surroundings {
  home: string
  env: Readonly<Record<string, string | undefined>>
  passwd: () => string
}

const own = (): Surroundings => ({
  home: homedir(),
  env: process.env,
  passwd: () => readFileSync('/etc/passwd', 'utf8')
})

const refuse = (path: string, why: string): never => {
  throw new PathRefused(`'${shown(path)}' is refused: ${why}`)
}

function homeOf (user: string, { path, passwd }: { path: string, passwd: () => string }): string {
  let text = ''
  try {
    text = passwd()
  } catch { /* the system has no such file */ }
  const home = text.split('\n').map(line => line.split(':')).find(([name]) => name === user)?.[5]
  return home?.startsWith('/') === true
    ? home
    : refuse(path,
      `there is no user '${user}' with a home folder; write the whole path, or './${path}' for a folder of this name`)
}

/** Expands `~`, `~user`, `$HOME` and `${HOME}` as a shell does; `$$` is a dollar sign. Throws PathRefused for unknown
 *  users and variables. */
export function expandPath (path: string, { home, env, passwd }: Surroundings = own()): string {
  const variable = (all: string, braced: string | undefined, plain: string | undefined): string => {
    if (all === '$$') return '$'
    const name = braced ?? plain ?? ''
    if (!KNOWN.test(name)) {
      return refuse(path, `'${all}' is not expanded; write the path itself, and '$$' for a dollar sign`)
    }
    const value = name === 'HOME' ? home : env[name]
    return value === undefined || value === '' ? refuse(path, `the variable ${name} is not set`) : value
  }
  const [first, user] = path.match(/^~([^/]*)/) ?? []
  const start = first === undefined ? '' : user === '' ? home : homeOf(user!, { path, passwd })
  return start + path.slice(first?.length ?? 0).replaceAll(/\$\$|\$\{([^}]*)\}|\$([A-Za-z_]\w*)/g, variable)
}

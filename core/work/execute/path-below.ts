import { isAbsolute, relative, resolve, sep } from 'node:path'

/** True for a path that contains no `~` or variable to expand. */
const isPlainPath = (path: string) => !path.includes('\0') && !path.includes('$') && !path.startsWith('~')

/** The part of a path below a folder, or null when it is not below it. Both are compared as text; symbolic links are
 *  resolved when the attempt begins. */
export function below (folder: string, path: string): string | null {
  if (path === folder) return ''
  const rest = relative(resolve(folder), resolve(path))
  const isIn = !isAbsolute(rest) && rest !== '..' && !rest.startsWith(`..${sep}`)
  // The folder may contain a variable, which is compared as text; the rest of the path may not.
  return isIn && isPlainPath(path.startsWith(folder) ? path.slice(folder.length) : path) ? rest : null
}

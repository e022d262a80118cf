import { isAbsolute, relative, resolve, sep } from 'node:path'

/** A path that no expansion of `~` or of a variable leads elsewhere. */
const isPlainPath = (path: string) => !path.includes('\0') && !path.includes('$') && !path.startsWith('~')

/** What is left of a path below a folder, or null when it is not below it. Both are what people write: where links lead
 *  is seen at the attempt. */
export function below (folder: string, path: string): string | null {
  if (path === folder) return ''
  const rest = relative(resolve(folder), resolve(path))
  const isIn = !isAbsolute(rest) && rest !== '..' && !rest.startsWith(`..${sep}`)
  // A folder that is written with a variable is compared as text: the rest of the path may hold none.
  return isIn && isPlainPath(path.startsWith(folder) ? path.slice(folder.length) : path) ? rest : null
}

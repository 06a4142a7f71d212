import { MintlineError } from '../../../../errors/mintline-error.ts'
import { type Cryptoki, loadPkcs11Library, type Pkcs11Library } from '../cryptoki.ts'

/**
 * The PKCS#11 module of this process, shared by every key on it: Cryptoki is initialised once a process, and
 * one login to a token counts for all sessions of the process.
 */
export interface Pkcs11Module {
  readonly library: Pkcs11Library
  readonly cryptoki: Cryptoki
  /** Grows when Cryptoki is finalised; sessions and handles of an earlier generation are void. */
  readonly generation: number
  /** Whether sessions of that generation may be used at this moment. */
  isCurrent(generation: number): boolean
  /** Resolves once Cryptoki is initialised. @throws MintlineError `signer_unavailable` when it refuses. */
  ready(): Promise<void>
  /** Runs a call that is still at work when it returns, and keeps Cryptoki initialised until it has ended. */
  track<T>(call: () => Promise<T>): Promise<T>
  /**
   * Finalises and initialises Cryptoki, once calls at work have ended: some modules see a returned token only so.
   * Does nothing when another key's call has done it since `seenGeneration`.
   */
  reinitialize(seenGeneration: number): Promise<void>
  /** The last thing that is asked of it. */
  finalize(): void
}

/**
 * The module at a path.
 *
 * @throws MintlineError `key_unusable` when `pkcs11js` is not installed or the file is no PKCS#11 module.
 */
export async function loadPkcs11Module(modulePath: string): Promise<Pkcs11Module> {
  const library = await loadLibrary()
  return new LoadedModule(library, loadModule(library, modulePath))
}

async function loadLibrary(): Promise<Pkcs11Library> {
  try {
    return await loadPkcs11Library()
  } catch (cause) {
    throw new MintlineError(
      'key_unusable',
      'A CA key is in an HSM, but the package pkcs11js is not installed. Install it: npm install pkcs11js.',
      { cause }
    )
  }
}

function loadModule(library: Pkcs11Library, modulePath: string): Cryptoki {
  const cryptoki = new library.PKCS11()
  try {
    cryptoki.load(modulePath)
  } catch (cause) {
    throw new MintlineError('key_unusable', `The PKCS#11 module ${modulePath} cannot be loaded.`, { cause })
  }
  return cryptoki
}

class LoadedModule implements Pkcs11Module {
  readonly library: Pkcs11Library
  readonly cryptoki: Cryptoki
  generation = 0
  #isInitialized = false
  #reinitializing: Promise<void> | undefined
  readonly #calls = new Set<Promise<unknown>>()

  constructor(library: Pkcs11Library, cryptoki: Cryptoki) {
    this.library = library
    this.cryptoki = cryptoki
  }

  async ready(): Promise<void> {
    while (this.#reinitializing !== undefined) await this.#reinitializing.catch(() => undefined)
    this.#initialize()
  }

  isCurrent(generation: number): boolean {
    return this.#isInitialized && this.#reinitializing === undefined && generation === this.generation
  }

  track<T>(call: () => Promise<T>): Promise<T> {
    const running = call()
    const settled: Promise<void> = running.then(
      () => void this.#calls.delete(settled),
      () => void this.#calls.delete(settled)
    )
    this.#calls.add(settled)
    return running
  }

  async reinitialize(seenGeneration: number): Promise<void> {
    if (this.generation !== seenGeneration) return this.ready()
    this.#reinitializing ??= this.#restart().finally(() => {
      this.#reinitializing = undefined
    })
    return this.#reinitializing
  }

  async #restart(): Promise<void> {
    await Promise.all(this.#calls)
    this.finalize()
    this.#initialize()
  }

  #initialize(): void {
    if (this.#isInitialized) return
    try {
      this.cryptoki.C_Initialize({ flags: this.library.CKF_OS_LOCKING_OK })
    } catch (cause) {
      throw new MintlineError(
        'signer_unavailable',
        'The PKCS#11 module does not start. Check that the HSM can be reached and that the module is configured.',
        { cause, retryAfterSeconds: 1 }
      )
    }
    this.#isInitialized = true
  }

  finalize(): void {
    if (!this.#isInitialized) return
    this.#isInitialized = false
    this.generation++
    try {
      this.cryptoki.C_Finalize()
    } catch {
      // A module whose device is gone may refuse; initialising it says whether it is usable.
    }
  }
}

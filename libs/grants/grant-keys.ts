/** Every key that one request's state lies under, and the words of it that a grant repeats. */
export interface GrantKeys {
  readonly partition: number;
  readonly grant: string;
  readonly holder: string;
  /** Of the caller's rate bucket: the caller alone, whatever it asks for and whatever it is bound to. */
  readonly subject: string;
  readonly quota: string;
  readonly binding: string;
  readonly facts: string;
}

/** Every key that one request's state lies under, and the words of it that a grant repeats. */
export interface GrantKeys {
  readonly partition: number;
  readonly grant: string;
  readonly holder: string;
  readonly quota: string;
  readonly binding: string;
  readonly facts: string;
}

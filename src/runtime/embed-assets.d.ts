declare module "*/embed/bash" {
  const path: string;
  export default path;
}
declare module "*/embed/starter" {
  const path: string;
  export default path;
}

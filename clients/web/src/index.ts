export {KynaError} from "./errors.js";

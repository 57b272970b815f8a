// The default theme without its web font: the pages ask nobody else for anything, and load faster.
import DefaultTheme from "vitepress/theme-without-fonts";
import "./brand.css";

export default DefaultTheme;
